// Compile the MJML of a file once, and then many times in the same process; print the times in milliseconds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import mjml2html from "mjml";

const [file, settings, rounds] = process.argv.slice(2);
const { version } = createRequire(import.meta.url)("mjml/package.json");
const source = readFileSync(file, "utf8");
const nothingExtra = { fonts: {}, validationLevel: "skip", minify: false, beautify: false };
const options = settings === "nothing extra" ? nothingExtra : {};
const time = () => {
  const began = performance.now();
  mjml2html(source, options);
  return performance.now() - began;
};
const first = time();
for (let round = 0; round < 50; round++) time();
const times = Array.from({ length: Number(rounds) }, time);
console.log(JSON.stringify({ first, times, version, node: process.versions.node }));
