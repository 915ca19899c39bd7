import { fileURLToPath } from "node:url";
import { lingui } from "@lingui/vite-plugin";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

const box = process.env.RELAYPACS_BOX ?? "http://127.0.0.1:8080";

// A file costs a round trip, and on a phone's line that is dear: what sign-in needs is one file, what all pages behind it share another.
const BASE =
  /node_modules\/(react|react-dom|react-router|scheduler|idb|@lingui)\/|lucide-react\/dist\/esm\/(?!icons)|src\/(ui\/(Announcer|Button|Field|StateView)|api\/(problem|residents|session|useSession)|i18n\/(i18n|useT|languages)|store\/(db|session))\./;
const SHARED =
  /node_modules\/(@tanstack|openapi-fetch|lucide-react)\/|src\/(ui\/(Page|Status|Dialog|Table|Choice|Facts|Dots|Ring|Toasts|plain)|api|i18n|store|pwa|features\/upload\/(useUploads|uploads|protocol))\b/;

export default defineConfig({
  plugins: [
    react(),
    lingui(),
    tailwindcss(),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src/pwa",
      filename: "sw.ts",
      injectRegister: false,
      manifest: false,
      injectManifest: {
        globPatterns: ["index.html", "assets/*.{js,css}", "manifest.webmanifest", "icons/icon.svg"],
        // What few people open, and what can show nothing without the box, comes when it is opened.
        globIgnores: [
          "assets/{words.*,Charts,DashboardPage,ToastList,PdfView,pdf.worker,sentry,AdminPage,StudyPage,ReportPage-,SignUpForm,SetupPage,CertificateView,EchoSteps,DestinationFields,fr-,ar-}*",
        ],
      },
    }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  worker: { format: "es" },
  build: {
    target: ["chrome111", "firefox128", "safari16.4"],
    sourcemap: "hidden",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "base", test: BASE, priority: 2 },
            { name: "shared", test: SHARED, priority: 1, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: Object.fromEntries(["/api", "/healthz", "/ca.crt"].map((path) => [path, { target: box, changeOrigin: true }])) },
  preview: { proxy: Object.fromEntries(["/api", "/healthz", "/ca.crt"].map((path) => [path, { target: box, changeOrigin: true }])) },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
    // Machines may be slow: a test ends by what it sees, not by the clock.
    testTimeout: 120_000,
    // Processes, not threads: what one file's tests say on a BroadcastChannel would be heard by those of another.
    pool: "forks",
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["src/**/*.{ts,tsx}"],
      exclude: ["src/api/schema.d.ts", "src/test/**", "src/**/*.test.{ts,tsx}", "src/main.tsx"],
      reporter: ["text-summary", "json-summary"],
      thresholds: {
        lines: 80,
        "src/**/use*.ts": { lines: 90 },
        "src/features/upload/{engine/**,worker.ts}": { lines: 90 },
        "src/pwa/sw.ts": { lines: 90 },
        "src/{features/auth/**,api/{session,residents}.ts}": { lines: 90 },
        "src/features/dashboard/data.ts": { lines: 90 },
        "src/features/settings/**": { lines: 85 },
      },
    },
  },
});
