import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../errors.js";
import type { WatchMetrics } from "../report/watch-metrics.js";
import type { Endpoint } from "./watch-options.js";

export interface MetricsServer {
  /** Where it listens, as a URL. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `/metrics`, and a page that says so. Throws UserError where the address cannot be had. */
export async function serveMetrics(
  metrics: WatchMetrics,
  { host, port }: Endpoint,
  title: string,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    const reply = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      reply(405, "text/plain; charset=utf-8", "only GET and HEAD\n");
    } else if (path === "/metrics") {
      metrics.text().then(
        (text) => reply(200, metrics.contentType, text),
        (error: Error) => reply(500, "text/plain; charset=utf-8", `${error.message}\n`),
      );
    } else if (path === "/") {
      reply(200, "text/html; charset=utf-8", page(title));
    } else {
      reply(404, "text/plain; charset=utf-8", "there is /metrics here, and nothing else\n");
    }
  });
  await listening(server, host, port);
  server.unref();
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${address.port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function page(title: string): string {
  const safe = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return (
    `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>rustydb-mem watch</title>\n` +
    `<p>rustydb-mem watches ${safe}: <a href="/metrics">/metrics</a></p>\n</html>\n`
  );
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)));
    server.listen({ host, port }, () => resolve());
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): UserError {
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return new UserError("port-in-use", `somebody listens at ${place} already`, {
        remedy: "Name another port, or :0 for any that is free.",
        cause,
      });
    case "EACCES":
      return new UserError("no-permission", `you may not listen at ${place}`, {
        remedy: "Ports from 1024 on need no rights.",
        cause,
      });
    default:
      return new UserError("no-such-address", `${place} is nothing to listen at: ${cause.message}`, {
        remedy: "Name an address of this machine, or none for loopback.",
        cause,
      });
  }
}
