#include "interpose/record_sqlite_library.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rmem::record {
namespace {

constinit SqliteLibrary gLibrary{};
constinit pthread_once_t gOnce = PTHREAD_ONCE_INIT;

constexpr std::size_t kMaxPathBytes = 4096;

/** Copies the path of the first loaded library whose file is called libsqlite3*. */
int TakeSqlitePath(dl_phdr_info* object, std::size_t, void* path) {
  const char* slash = std::strrchr(object->dlpi_name, '/');
  const char* file = slash == nullptr ? object->dlpi_name : slash + 1;
  if (std::strncmp(file, "libsqlite3", 10) != 0) return 0;
  if (std::strlen(object->dlpi_name) >= kMaxPathBytes) return 0;
  std::strcpy(static_cast<char*>(path), object->dlpi_name);
  return 1;
}

/** Where to look for the library's functions; null if it is not loaded. Keeps it loaded from now on. */
void* Place() {
  if (dlsym(RTLD_NEXT, "sqlite3_step") != nullptr) return RTLD_NEXT;
  char path[kMaxPathBytes] = {};
  if (dl_iterate_phdr(TakeSqlitePath, path) == 0) return nullptr;
  return dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
}

/** The tables that the loader uses of an object. */
struct Dynamic {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela) * jumps = nullptr;
  const ElfW(Rela) * others = nullptr;
  std::size_t jumpBytes = 0;
  std::size_t otherBytes = 0;
  bool symbolic = false;
};

Dynamic ReadDynamic(const link_map& object) {
  Dynamic dynamic;
  const auto at = [&object](ElfW(Addr) address) {
    // The C library has relocated it in place, but for a few machines.
    return reinterpret_cast<const void*>(address < object.l_addr ? address + object.l_addr : address);
  };
  for (const ElfW(Dyn)* entry = object.l_ld; entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB:
        dynamic.symbols = static_cast<const ElfW(Sym)*>(at(entry->d_un.d_ptr));
        break;
      case DT_STRTAB:
        dynamic.names = static_cast<const char*>(at(entry->d_un.d_ptr));
        break;
      case DT_JMPREL:
        dynamic.jumps = static_cast<const ElfW(Rela)*>(at(entry->d_un.d_ptr));
        break;
      case DT_PLTRELSZ:
        dynamic.jumpBytes = entry->d_un.d_val;
        break;
      case DT_RELA:
        dynamic.others = static_cast<const ElfW(Rela)*>(at(entry->d_un.d_ptr));
        break;
      case DT_RELASZ:
        dynamic.otherBytes = entry->d_un.d_val;
        break;
      case DT_SYMBOLIC:
        dynamic.symbolic = true;
        break;
      case DT_FLAGS:
        dynamic.symbolic |= (entry->d_un.d_val & DF_SYMBOLIC) != 0;
        break;
      default:
        break;
    }
  }
  return dynamic;
}

bool IsGlobalData(std::uint64_t type) {
#if defined(__aarch64__)
  return type == R_AARCH64_GLOB_DAT;
#else
  return type == R_X86_64_GLOB_DAT;
#endif
}

/** Does the object that `function` lies in ask the loader where sqlite3_step is, each time it calls it? */
bool CallsAreSeen(void* function) {
  Dl_info info;
  link_map* object = nullptr;
  if (dladdr1(function, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) == 0 || object == nullptr)
    return false;
  const Dynamic dynamic = ReadDynamic(*object);
  if (dynamic.symbols == nullptr || dynamic.names == nullptr || dynamic.symbolic) return false;
  const auto names = [&dynamic](const ElfW(Rela) & relocation) {
    const ElfW(Sym)& symbol = dynamic.symbols[ELF64_R_SYM(relocation.r_info)];
    return std::strcmp(dynamic.names + symbol.st_name, "sqlite3_step") == 0;
  };
  for (std::size_t i = 0; dynamic.jumps != nullptr && i < dynamic.jumpBytes / sizeof(ElfW(Rela)); ++i) {
    if (names(dynamic.jumps[i])) return true;
  }
  for (std::size_t i = 0; dynamic.others != nullptr && i < dynamic.otherBytes / sizeof(ElfW(Rela)); ++i) {
    if (IsGlobalData(ELF64_R_TYPE(dynamic.others[i].r_info)) && names(dynamic.others[i])) return true;
  }
  return false;
}

void LookUp() {
  void* const place = Place();
  if (place == nullptr) {
    // RTLD_DEFAULT is a null too, and would find us.
    return;
  }
  const auto find = [place](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(place, name));
  };
  SqliteLibrary& library = gLibrary;
  find(library.step, "sqlite3_step");
  find(library.reset, "sqlite3_reset");
  find(library.finalize, "sqlite3_finalize");
  find(library.close, "sqlite3_close");
  find(library.close_v2, "sqlite3_close_v2");
  find(library.exec, "sqlite3_exec");
  find(library.prepare, "sqlite3_prepare");
  find(library.prepare_v2, "sqlite3_prepare_v2");
  find(library.prepare_v3, "sqlite3_prepare_v3");
  find(library.get_autocommit, "sqlite3_get_autocommit");
  find(library.db_handle, "sqlite3_db_handle");
  find(library.sql, "sqlite3_sql");
  find(library.stmt_busy, "sqlite3_stmt_busy");
  find(library.next_stmt, "sqlite3_next_stmt");
  find(library.db_mutex, "sqlite3_db_mutex");
  find(library.mutex_enter, "sqlite3_mutex_enter");
  find(library.mutex_leave, "sqlite3_mutex_leave");
  find(library.column_count, "sqlite3_column_count");
  find(library.column_name, "sqlite3_column_name");
  find(library.column_text, "sqlite3_column_text");
  find(library.errmsg, "sqlite3_errmsg");
  find(library.mprintf, "sqlite3_mprintf");
  library.complete = library.step && library.reset && library.finalize && library.close && library.exec &&
                     library.prepare_v2 && library.get_autocommit && library.db_handle && library.sql &&
                     library.stmt_busy && library.next_stmt && library.db_mutex && library.mutex_enter &&
                     library.mutex_leave && library.column_count && library.column_name &&
                     library.column_text && library.errmsg && library.mprintf;
  library.callsAreSeen = library.step != nullptr && CallsAreSeen(reinterpret_cast<void*>(library.step));
}

}  // namespace

const SqliteLibrary& Sqlite() {
  pthread_once(&gOnce, LookUp);
  return gLibrary;
}

}  // namespace rmem::record
