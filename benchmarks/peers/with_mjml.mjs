// Compile the MJML of a file many times in one warm process; print the times in milliseconds, and the size of the HTML.
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import mjml2html from "mjml";

const [file, rounds] = [process.argv[2], Number(process.argv[3])];
const source = readFileSync(file, "utf8");
const compile = () => mjml2html(source, { fonts: {} });
for (let round = 0; round < 10; round++) compile();
const times = [];
for (let round = 0; round < rounds; round++) {
  const began = performance.now();
  compile();
  times.push(performance.now() - began);
}
console.log(JSON.stringify({ times, bytes: compile().html.length }));
