// nodemailer with a pool of ten connections. PORT NUMBER
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const [port, number] = process.argv.slice(2).map(Number);
const text = readFileSync(new URL("../../issues/2026-11-the-unsubscribe-link-is-a-promise.md", import.meta.url), "utf8");
const body = text.split("\n\n").map((paragraph) => `<p>${paragraph}</p>`).join("\n").repeat(9);
const pool = nodemailer.createTransport({
  host: "127.0.0.1", port, pool: true, maxConnections: 10, maxMessages: Infinity, secure: false, ignoreTLS: true,
});
let next = 0;
async function worker() {
  while (next < number) {
    const n = next++;
    const url = `https://letters.example.org/unsubscribe/${String(n).padStart(36, "0")}`;
    await pool.sendMail({
      from: "Letters <letters@example.org>",
      to: { name: `Zoé ${n}`, address: `r${n}@example.org` },
      subject: "The unsubscribe link is a promise",
      headers: { "List-Unsubscribe": `<${url}>` },
      text,
      html: `<html><body><p>Hello Zoé ${n}</p>\n${body}\n<a href="${url}">leave</a></body></html>\n`,
    });
  }
}
await Promise.all(Array.from({ length: 10 }, worker));
pool.close();
