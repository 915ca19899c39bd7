// Makes src/api/schema.d.ts from the contract. With --check: fails when the file is not what the contract makes.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const CONTRACT = new URL("../../appliance/http/openapi.json", import.meta.url);
const TYPES = new URL("../src/api/schema.d.ts", import.meta.url);

const types = `// Made by \`npm run gen\` from the box's contract; do not edit.\n\n${astToString(await openapiTS(CONTRACT, { defaultNonNullable: false }))}`;
if (process.argv.includes("--check")) {
  if (readFileSync(TYPES, "utf8") !== types) {
    process.stderr.write("src/api/schema.d.ts does not fit the box's contract: run `npm run gen`, then `npm run types`\n");
    process.exitCode = 1;
  }
} else writeFileSync(TYPES, types);
