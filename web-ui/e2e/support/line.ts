import { connect, createServer, type Server, type Socket } from "node:net";

/** A bad line before the box: a rate towards it, and connections that are cut after so many bytes. */
export class Line {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Bytes a second towards the box; 0: as fast as it goes. */
  rate = 0;
  /** Bytes towards the box after which a connection is reset; 0: never. */
  cutAfter = 0;
  cuts = 0;
  /** Bytes towards the box so far. */
  sent = 0;
  port = 0;

  private constructor(to: number) {
    this.#server = createServer((from) => this.#join(from, connect(to, "127.0.0.1")));
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port);
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    const address = line.#server.address();
    line.port = typeof address === "object" && address ? address.port : 0;
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  #join(from: Socket, to: Socket): void {
    let sent = 0;
    const end = () => {
      from.destroy();
      to.destroy();
      this.#open.delete(from);
    };
    this.#open.add(from);
    for (const socket of [from, to]) socket.on("error", end).on("close", end);
    to.on("data", (bytes) => from.write(bytes));
    from.on("data", (bytes) => {
      to.write(bytes);
      sent += bytes.length;
      this.sent += bytes.length;
      if (this.cutAfter > 0 && sent > this.cutAfter) {
        this.cuts += 1;
        from.resetAndDestroy();
        to.destroy();
      } else if (this.rate > 0) {
        from.pause();
        setTimeout(() => from.resume(), (bytes.length / this.rate) * 1000);
      }
    });
  }

  off(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}
