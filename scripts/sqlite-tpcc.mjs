/**
 * A TPC-C-like load as SQL for the sqlite3 shell, scaled down, and the same for the same seed: the nine tables, the five
 * transactions in the usual mix, one new-order in a hundred rolled back, and savepoints, some of which are rolled back.
 * The script can't see what its queries return, so this file keeps the few counters that later statements need.
 */

const warehouses = 2;
const districts = 10;
const customers = 120;
const items = 2000;
const openingOrders = 60;

const syllables = ["BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"];
const letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** The generator of Marsaglia's xorshift family with 32 bits of state; good enough to pick rows with. */
class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer from `low` to `high`, both included. */
  between(low, high) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return low + ((this.#state >>> 0) % (high - low + 1));
  }

  chance(percent) {
    return this.between(1, 100) <= percent;
  }

  /** TPC-C's NURand: some rows are asked for far more often than others. */
  skewed(a, low, high) {
    return low + ((this.between(0, a) | this.between(low, high)) % (high - low + 1));
  }

  text(shortest, longest) {
    const length = this.between(shortest, longest);
    return Array.from({ length }, () => letters[this.between(0, letters.length - 1)]).join("");
  }

  lastName(number) {
    return [100, 10, 1].map((place) => syllables[Math.floor(number / place) % 10]).join("");
  }
}

const schema = `
CREATE TABLE warehouse (w_id INTEGER PRIMARY KEY, w_name TEXT, w_street TEXT, w_tax REAL, w_ytd REAL);
CREATE TABLE district (d_w_id INTEGER, d_id INTEGER, d_name TEXT, d_tax REAL, d_ytd REAL, d_next_o_id INTEGER,
  PRIMARY KEY (d_w_id, d_id));
CREATE TABLE customer (c_w_id INTEGER, c_d_id INTEGER, c_id INTEGER, c_first TEXT, c_last TEXT, c_credit TEXT,
  c_discount REAL, c_balance REAL, c_ytd REAL, c_payments INTEGER, c_data TEXT, PRIMARY KEY (c_w_id, c_d_id, c_id));
CREATE INDEX customer_name ON customer (c_w_id, c_d_id, c_last, c_first);
CREATE TABLE history (h_c_id INTEGER, h_d_id INTEGER, h_w_id INTEGER, h_date INTEGER, h_amount REAL, h_data TEXT);
CREATE TABLE item (i_id INTEGER PRIMARY KEY, i_name TEXT, i_price REAL, i_data TEXT);
CREATE TABLE stock (s_w_id INTEGER, s_i_id INTEGER, s_quantity INTEGER, s_dist TEXT, s_ytd INTEGER, s_orders INTEGER,
  s_data TEXT, PRIMARY KEY (s_w_id, s_i_id));
CREATE TABLE orders (o_w_id INTEGER, o_d_id INTEGER, o_id INTEGER, o_c_id INTEGER, o_date INTEGER, o_carrier INTEGER,
  o_lines INTEGER, PRIMARY KEY (o_w_id, o_d_id, o_id));
CREATE INDEX orders_customer ON orders (o_w_id, o_d_id, o_c_id, o_id);
CREATE TABLE new_order (no_w_id INTEGER, no_d_id INTEGER, no_o_id INTEGER, PRIMARY KEY (no_w_id, no_d_id, no_o_id));
CREATE TABLE order_line (ol_w_id INTEGER, ol_d_id INTEGER, ol_o_id INTEGER, ol_number INTEGER, ol_i_id INTEGER,
  ol_quantity INTEGER, ol_amount REAL, ol_delivered INTEGER, ol_dist TEXT,
  PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number));
`;

function* inserts(table, rows) {
  for (let at = 0; at < rows.length; at += 200) {
    const values = rows.slice(at, at + 200).map((row) => `(${row.join(",")})`);
    yield `INSERT INTO ${table} VALUES ${values.join(",")};\n`;
  }
}

const range = (count) => Array.from({ length: count }, (_, index) => index + 1);
const everyDistrict = () => range(warehouses).flatMap((w) => range(districts).map((d) => [w, d]));

/** Pieces of the script that creates and fills the tables. */
export function* loadScript(seed) {
  const random = new Random(seed);
  const text = (shortest, longest) => `'${random.text(shortest, longest)}'`;
  yield `PRAGMA journal_mode = WAL;\nPRAGMA synchronous = OFF;\n${schema}BEGIN;\n`;
  yield* inserts(
    "warehouse",
    range(warehouses).map((w) => [w, text(6, 10), text(10, 20), 0.08, 300000]),
  );
  yield* inserts(
    "district",
    everyDistrict().map(([w, d]) => [w, d, text(6, 10), 0.05, 30000, openingOrders + 1]),
  );
  yield* inserts(
    "item",
    range(items).map((i) => [i, text(14, 24), random.between(100, 9999) / 100, text(26, 50)]),
  );
  for (const w of range(warehouses)) {
    yield* inserts(
      "stock",
      range(items).map((i) => [w, i, random.between(10, 100), text(24, 24), 0, 0, text(26, 50)]),
    );
  }
  for (const [w, d] of everyDistrict()) {
    yield* inserts(
      "customer",
      range(customers).map((c) => {
        const name = random.lastName(c <= 60 ? c - 1 : random.skewed(255, 0, 999));
        const credit = random.chance(10) ? "'BC'" : "'GC'";
        return [
          w,
          d,
          c,
          text(8, 16),
          `'${name}'`,
          credit,
          random.between(0, 50) / 100,
          -10,
          10,
          1,
          text(150, 300),
        ];
      }),
    );
    const lines = [];
    const orders = range(openingOrders).map((o) => {
      const count = random.between(5, 15);
      for (const line of range(count)) {
        lines.push([
          w,
          d,
          o,
          line,
          random.between(1, items),
          5,
          random.between(1, 999999) / 100,
          0,
          text(24, 24),
        ]);
      }
      return [w, d, o, random.between(1, customers), o, "NULL", count];
    });
    yield* inserts("orders", orders);
    yield* inserts("order_line", lines);
    yield* inserts(
      "new_order",
      range(openingOrders)
        .filter((o) => o > openingOrders * 0.7)
        .map((o) => [w, d, o]),
    );
  }
  yield "COMMIT;\nANALYZE;\n";
}

/** The state of the load that its own statements depend on. */
class Load {
  constructor(seed) {
    this.random = new Random(seed);
    this.date = 1000;
    this.nextOrder = new Map(everyDistrict().map((key) => [key.join(), openingOrders + 1]));
    this.oldestNewOrder = new Map(
      everyDistrict().map((key) => [key.join(), Math.floor(openingOrders * 0.7) + 1]),
    );
  }

  pick() {
    const w = this.random.between(1, warehouses);
    const d = this.random.between(1, districts);
    return { w, d, c: this.random.skewed(1023, 1, customers), date: ++this.date };
  }

  /** One line of an order; one in twelve is taken back to its savepoint and ordered from another item. */
  *orderLine({ w, d }, order, number) {
    const { random } = this;
    const line = function* (item) {
      const quantity = random.between(1, 10);
      yield `SELECT i_price, i_name, i_data FROM item WHERE i_id = ${item};`;
      yield `SELECT s_quantity, s_dist, s_data FROM stock WHERE s_w_id = ${w} AND s_i_id = ${item};`;
      yield `UPDATE stock SET s_quantity = CASE WHEN s_quantity >= ${quantity + 10} THEN s_quantity - ${quantity} ELSE s_quantity + ${91 - quantity} END, s_ytd = s_ytd + ${quantity}, s_orders = s_orders + 1 WHERE s_w_id = ${w} AND s_i_id = ${item};`;
      yield `INSERT INTO order_line VALUES (${w}, ${d}, ${order}, ${number}, ${item}, ${quantity}, ${random.between(100, 99999) / 100}, NULL, '${random.text(24, 24)}');`;
    };
    yield "SAVEPOINT line;";
    yield* line(random.skewed(8191, 1, items));
    if (random.chance(8)) {
      yield "ROLLBACK TO line;";
      yield* line(random.skewed(8191, 1, items));
    }
    yield "RELEASE line;";
  }

  *newOrder() {
    const at = this.pick();
    const { w, d, c, date } = at;
    const key = `${w},${d}`;
    const order = this.nextOrder.get(key);
    const lines = this.random.between(5, 15);
    yield "BEGIN IMMEDIATE;";
    yield `SELECT w_tax FROM warehouse WHERE w_id = ${w};`;
    yield `SELECT c_discount, c_last, c_credit FROM customer WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = ${c};`;
    yield `SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = ${w} AND d_id = ${d};`;
    yield `UPDATE district SET d_next_o_id = ${order + 1} WHERE d_w_id = ${w} AND d_id = ${d};`;
    yield `INSERT INTO orders VALUES (${w}, ${d}, ${order}, ${c}, ${date}, NULL, ${lines});`;
    yield `INSERT INTO new_order VALUES (${w}, ${d}, ${order});`;
    for (const number of range(lines)) yield* this.orderLine(at, order, number);
    if (this.random.chance(1)) {
      yield `SELECT i_price FROM item WHERE i_id = ${items + 1};`;
      yield "ROLLBACK;";
    } else {
      this.nextOrder.set(key, order + 1);
      yield "COMMIT;";
    }
  }

  *payment() {
    const { w, d, c, date } = this.pick();
    const amount = this.random.between(100, 500000) / 100;
    yield "BEGIN IMMEDIATE;";
    yield `UPDATE warehouse SET w_ytd = w_ytd + ${amount} WHERE w_id = ${w};`;
    yield `SELECT w_name, w_street FROM warehouse WHERE w_id = ${w};`;
    yield `UPDATE district SET d_ytd = d_ytd + ${amount} WHERE d_w_id = ${w} AND d_id = ${d};`;
    yield `SELECT d_name FROM district WHERE d_w_id = ${w} AND d_id = ${d};`;
    if (this.random.chance(60)) {
      const name = this.random.lastName(this.random.skewed(255, 0, 59));
      yield `SELECT c_id, c_first, c_balance FROM customer WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_last = '${name}' ORDER BY c_first;`;
    } else {
      yield `SELECT c_first, c_last, c_balance FROM customer WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = ${c};`;
    }
    yield `UPDATE customer SET c_balance = c_balance - ${amount}, c_ytd = c_ytd + ${amount}, c_payments = c_payments + 1 WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = ${c};`;
    if (this.random.chance(10)) {
      yield `UPDATE customer SET c_data = substr('${c},${d},${w},${amount};' || c_data, 1, 300) WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = ${c};`;
    }
    yield "SAVEPOINT history;";
    yield `INSERT INTO history VALUES (${c}, ${d}, ${w}, ${date}, ${amount}, '${this.random.text(12, 24)}');`;
    if (this.random.chance(5)) yield "ROLLBACK TO history;";
    yield "RELEASE history;";
    yield this.random.chance(2) ? "ROLLBACK;" : "COMMIT;";
  }

  *orderStatus() {
    const { w, d, c } = this.pick();
    const last = `SELECT max(o_id) FROM orders WHERE o_w_id = ${w} AND o_d_id = ${d} AND o_c_id = ${c}`;
    yield "BEGIN;";
    yield `SELECT c_balance, c_first, c_last FROM customer WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = ${c};`;
    yield `SELECT o_id, o_date, o_carrier FROM orders WHERE o_w_id = ${w} AND o_d_id = ${d} AND o_id = (${last});`;
    yield `SELECT ol_i_id, ol_quantity, ol_amount, ol_delivered FROM order_line WHERE ol_w_id = ${w} AND ol_d_id = ${d} AND ol_o_id = (${last});`;
    yield "COMMIT;";
  }

  *delivery() {
    const { w, date } = this.pick();
    const carrier = this.random.between(1, 10);
    yield "BEGIN IMMEDIATE;";
    for (const d of range(districts)) {
      const key = `${w},${d}`;
      const order = this.oldestNewOrder.get(key);
      if (order >= this.nextOrder.get(key)) continue;
      const of = `_w_id = ${w} AND ol_d_id = ${d} AND ol_o_id = ${order}`;
      yield "SAVEPOINT district;";
      yield `SELECT min(no_o_id) FROM new_order WHERE no_w_id = ${w} AND no_d_id = ${d};`;
      yield `DELETE FROM new_order WHERE no_w_id = ${w} AND no_d_id = ${d} AND no_o_id = ${order};`;
      yield `UPDATE orders SET o_carrier = ${carrier} WHERE o_w_id = ${w} AND o_d_id = ${d} AND o_id = ${order};`;
      yield `UPDATE order_line SET ol_delivered = ${date} WHERE ol${of};`;
      yield `UPDATE customer SET c_balance = c_balance + (SELECT sum(ol_amount) FROM order_line WHERE ol${of}) WHERE c_w_id = ${w} AND c_d_id = ${d} AND c_id = (SELECT o_c_id FROM orders WHERE o_w_id = ${w} AND o_d_id = ${d} AND o_id = ${order});`;
      if (this.random.chance(8)) yield "ROLLBACK TO district;";
      else this.oldestNewOrder.set(key, order + 1);
      yield "RELEASE district;";
    }
    yield "COMMIT;";
  }

  *stockLevel() {
    const { w, d } = this.pick();
    const next = this.nextOrder.get(`${w},${d}`);
    yield "BEGIN;";
    yield `SELECT d_next_o_id FROM district WHERE d_w_id = ${w} AND d_id = ${d};`;
    yield `SELECT count(DISTINCT s_i_id) FROM order_line JOIN stock ON s_w_id = ol_w_id AND s_i_id = ol_i_id WHERE ol_w_id = ${w} AND ol_d_id = ${d} AND ol_o_id BETWEEN ${next - 20} AND ${next - 1} AND s_quantity < ${this.random.between(10, 20)};`;
    yield "COMMIT;";
  }

  transaction() {
    const share = this.random.between(1, 100);
    if (share <= 45) return this.newOrder();
    if (share <= 88) return this.payment();
    if (share <= 92) return this.orderStatus();
    if (share <= 96) return this.delivery();
    return this.stockLevel();
  }
}

/** Pieces of the script that runs `count` transactions on the loaded tables. */
export function* transactionScript(seed, count) {
  const load = new Load(seed);
  yield "PRAGMA synchronous = OFF;\n.bail on\n";
  for (let done = 0; done < count; ++done) {
    for (const statement of load.transaction()) yield `${statement}\n`;
  }
}
