/** MariaDB under the read-write mix of sysbench. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const clients = 4;

export const mariadb = {
  name: "mariadb-sysbench",
  user: "mysql",
  // From its first event on: started, tables filled, every connection has run its statements.
  warmUp: "14s",
  packages: ["mariadb-server", "sysbench"],
  needs: ["mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb", "sysbench"],
  load: `InnoDB under sysbench's oltp_read_write from ${clients} clients`,
  how:
    "mariadbd behind a unix socket with the default settings, a buffer pool of 32 MiB and little flushing; sysbench " +
    "oltp_read_write on four tables of 5,000 rows",
  version: (session) => session.run("mariadbd", ["--version"]).then((text) => /Ver ([\d.]+)/.exec(text)?.[1]),

  async record(session, out, options) {
    const data = session.makeFolder("data");
    const socket = join(session.folder, "mariadb.sock");
    const pidFile = join(session.folder, "mariadb.pid");
    await session.run("mariadb-install-db", [
      ...["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
    ]);
    const server = session.record(out, options, [
      "mariadbd",
      ...["--no-defaults", `--datadir=${data}`, `--socket=${socket}`, `--pid-file=${pidFile}`],
      ...["--skip-networking", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"],
    ]);
    const to = ["--no-defaults", `--socket=${socket}`, "-uroot"];
    await session.waitFor(server, () => session.run("mariadb-admin", [...to, "ping"]));
    await session.run("mariadb", [...to, "-e", "CREATE DATABASE sbtest"]);
    const bench = [
      ...["oltp_read_write", "--db-driver=mysql", `--mysql-socket=${socket}`, "--mysql-user=root"],
      ...["--tables=4", "--table-size=5000", `--threads=${clients}`],
    ];
    await session.run("sysbench", [...bench, "prepare"]);
    await session.run("sysbench", [...bench, "--time=20", "run"]);
    await session.stop(server, Number(readFileSync(pidFile, "utf8")));
    return server;
  },
};
