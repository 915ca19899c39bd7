/** A request to the box, as the engine needs it. */
export type Request = {
  method: "GET" | "POST" | "DELETE";
  url: string;
  headers?: Record<string, string>;
  body?: FormData | string;
  signal: AbortSignal;
  /** Bytes of the body that left so far. */
  progress?: (sent: number) => void;
};

export type Response = { status: number; retryAfter: string | null; body: unknown };

/** Sends one request; throws only when no answer came. */
export type Transport = (request: Request) => Promise<Response>;

export class LineBroken extends Error {}

/** No byte moved for so long: the line is dead, whatever TCP believes. */
const STALL_MS = 30_000;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** XHR tells how much has left; fetch does not. */
export const xhrTransport: Transport = (request) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    let stall: ReturnType<typeof setTimeout>;
    const moved = () => {
      clearTimeout(stall);
      stall = setTimeout(abort, STALL_MS);
    };
    const end = () => {
      clearTimeout(stall);
      request.signal.removeEventListener("abort", abort);
    };
    const broken = () => {
      end();
      reject(new LineBroken());
    };
    xhr.open(request.method, request.url);
    for (const [name, value] of Object.entries(request.headers ?? {})) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => {
      moved();
      request.progress?.(event.loaded);
    };
    xhr.onload = () => {
      end();
      resolve({ status: xhr.status, retryAfter: xhr.getResponseHeader("retry-after"), body: parse(xhr.responseText) });
    };
    xhr.onerror = broken;
    xhr.onabort = broken;
    if (request.signal.aborted) return broken();
    request.signal.addEventListener("abort", abort);
    moved();
    xhr.send(request.body ?? null);
  });

/** For the service worker, which has no XHR. */
export const fetchTransport: Transport = async (request) => {
  try {
    const answer = await fetch(request.url, {
      method: request.method,
      headers: request.headers ?? {},
      body: request.body ?? null,
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(STALL_MS * 2)]),
    });
    return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body: parse(await answer.text()) };
  } catch {
    throw new LineBroken();
  }
};
