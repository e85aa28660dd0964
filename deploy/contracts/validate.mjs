// Every AsyncAPI document through the reference parser: its errors and warnings, one per line; exit code 1 if any.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Parser } from '@asyncapi/parser';

const parser = new Parser();
let faults = 0;
for (const file of process.argv.slice(2)) {
  const source = resolve(file);
  const { document, diagnostics } = await parser.parse(await readFile(source, 'utf8'), { source });
  for (const { severity, code, message, path } of diagnostics) {
    if (severity > 1) continue; // 0 error, 1 warning; the rest is advice
    faults += 1;
    console.error(`${file} ${['error', 'warning'][severity]} ${code} at /${path.join('/')}: ${message}`);
  }
  if (document) console.log(`${file}: AsyncAPI ${document.version()}, ${document.allMessages().all().length} messages`);
}
process.exit(faults === 0 && process.argv.length > 2 ? 0 : 1);
