// What the scripts of all clients share: node <script> <base url>. Each call prints a line of JSON; a call that fails ends its
// case, and the script goes on with the next one. ClientsModel in the tests tells what the model answers to what.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export { assert };
export const base = process.argv[2];
export const model = 'stock';
export const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const pictureSeen = `image/png of ${picture.length}`;
export const format = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};
export const answer = { city: 'Lyon', degrees: 21 };
export const counted = '1 2 3 4 5 6 7 8 9 10';
export const weather = (city) => ({ Lyon: 'sunny', Oslo: 'snow' })[city];
export const trip = /^Lyon: "?sunny"?, Oslo: "?snow"?, booked: "?Lyon"?$/;

let told;
let since = 0;

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;

function print(ok, detail) {
  console.log(JSON.stringify({ ...told, on: `node ${process.versions.node}`, ok, ms: Math.round(performance.now() - since), detail }));
}

/** One call of the client: what it gives, once it is as it should be. */
export async function call(work) {
  since = performance.now();
  try {
    const given = await work();
    print(true);
    return given;
  } catch (error) {
    print(false, error?.stack ?? String(error));
    throw undefined;
  }
}

/** A call that must fail, with what is true of the error. */
export const refused = (check, work) =>
  call(() => assert.rejects(work, (error) => {
    check(error);
    return true;
  }));

/** All cases of one client; each gets what the table says it is called. */
export async function cases(client, table) {
  const version = versionOf(client);
  for (const [name, work] of Object.entries(table)) {
    told = { client, version, case: name };
    try {
      await work();
    } catch (error) {
      if (error !== undefined) print(false, error.stack ?? String(error));
    }
  }
  // What a client leaves open must not keep the process.
  process.exit(0);
}

/** All that a stream gives. */
export async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}
