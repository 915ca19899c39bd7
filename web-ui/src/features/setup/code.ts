/** A code as people type it: case and dash do not matter. `k7rm2wpx` → `K7RM-2WPX`. */
export function normalCode(text: string): string {
  const plain = text.toUpperCase().replace(/[^A-Z0-9]/g, "");
  return plain.length > 4 ? `${plain.slice(0, 4)}-${plain.slice(4, 8)}` : plain;
}

/** The code of the QR on the display (`/setup#K7RM-2WPX` or `#code=K7RM-2WPX`); taken out of the address bar. */
export function setupCodeFromAddress(): string {
  const fragment = decodeURIComponent(location.hash.slice(1));
  const code = normalCode(new URLSearchParams(fragment).get("code") ?? fragment);
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return /^[A-Z0-9]{4}-[A-Z0-9]{4}$/.test(code) ? code : "";
}
