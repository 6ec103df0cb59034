//! The same as orders.c from Rust: rows of a transaction live in its arena, and a borrow ends before it does.
//!
//!     rustc --edition 2021 -L build/Release -C link-arg=-Wl,-rpath,$PWD/build/Release examples/orders.rs -o orders

use std::ffi::{c_char, c_void, CStr};
use std::marker::PhantomData;
use std::ptr::{null, NonNull};

/// The part of rustydb_mem.h that is used here.
mod ffi {
    use super::{c_char, c_void};
    #[repr(C)]
    pub struct Heap {
        _private: [u8; 0],
    }
    #[repr(C)]
    pub struct Transaction {
        _private: [u8; 0],
    }
    #[link(name = "rustydb_mem")]
    extern "C" {
        pub fn rustydb_mem_heap_create(path: *const c_char, error: *mut c_char, bytes: usize) -> *mut Heap;
        pub fn rustydb_mem_heap_destroy(heap: *mut Heap);
        pub fn rustydb_mem_transaction_begin(heap: *mut Heap, kind: u32, estimate: u64) -> *mut Transaction;
        pub fn rustydb_mem_transaction_allocate(
            heap: *mut Heap,
            transaction: *mut Transaction,
            size: usize,
            alignment: usize,
        ) -> *mut c_void;
        pub fn rustydb_mem_transaction_commit(heap: *mut Heap, transaction: *mut Transaction);
        pub fn rustydb_mem_transaction_rollback(heap: *mut Heap, transaction: *mut Transaction);
    }
}

struct Heap(NonNull<ffi::Heap>);

impl Heap {
    fn new(config: Option<&CStr>) -> Result<Heap, String> {
        let mut error = [0 as c_char; 512];
        let path = config.map_or(null(), CStr::as_ptr);
        let heap = unsafe { ffi::rustydb_mem_heap_create(path, error.as_mut_ptr(), error.len()) };
        NonNull::new(heap).map(Heap).ok_or_else(|| {
            unsafe { CStr::from_ptr(error.as_ptr()) }.to_string_lossy().into_owned()
        })
    }

    fn begin(&self, kind: u32) -> Option<Transaction<'_>> {
        let inner = unsafe { ffi::rustydb_mem_transaction_begin(self.0.as_ptr(), kind, 0) };
        NonNull::new(inner).map(|inner| Transaction { heap: self.0, inner, _heap: PhantomData })
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        unsafe { ffi::rustydb_mem_heap_destroy(self.0.as_ptr()) }
    }
}

/// Rolled back where it is dropped without a commit.
struct Transaction<'heap> {
    heap: NonNull<ffi::Heap>,
    inner: NonNull<ffi::Transaction>,
    _heap: PhantomData<&'heap Heap>,
}

impl Transaction<'_> {
    /// A copy in the arena, which no destructor is run for: hence `Copy`. It lives as long as the transaction is open.
    fn store<T: Copy>(&self, value: T) -> Option<&mut T> {
        let (size, alignment) = (std::mem::size_of::<T>(), std::mem::align_of::<T>());
        let (heap, inner) = (self.heap.as_ptr(), self.inner.as_ptr());
        let place = unsafe { ffi::rustydb_mem_transaction_allocate(heap, inner, size, alignment) };
        NonNull::new(place.cast::<T>()).map(|place| unsafe {
            place.as_ptr().write(value);
            &mut *place.as_ptr()
        })
    }

    fn commit(self) {
        unsafe { ffi::rustydb_mem_transaction_commit(self.heap.as_ptr(), self.inner.as_ptr()) };
        std::mem::forget(self);
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        unsafe { ffi::rustydb_mem_transaction_rollback(self.heap.as_ptr(), self.inner.as_ptr()) }
    }
}

#[derive(Clone, Copy)]
struct Row {
    number: u64,
    text: [u8; 192],
}

fn main() -> Result<(), String> {
    let heap = Heap::new(None)?;
    let mut rolled_back = 0;
    for number in 0..1000 {
        let order = heap.begin(1).ok_or("no memory for a transaction")?;
        let row = order.store(Row { number, text: [b'x'; 192] }).ok_or("no memory for a row")?;
        row.text[0] = b'y';
        assert!(row.number == number && row.text[1] == b'x');
        if number % 10 == 0 {
            rolled_back += 1; // dropped
        } else {
            order.commit();
        }
    }
    println!("1000 orders, {rolled_back} of them rolled back");
    Ok(())
}
