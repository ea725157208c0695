// The stock Node client against two replicas that share one store: node stock.mjs <base url> <base url>.
// The last line tells how many calls were made and how many answered as they should; any failure ends it with 1.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const [first, second] = process.argv.slice(2);
const client = new OpenAI({ baseURL: first, apiKey: 'anything', timeout: 60_000 });
const other = new OpenAI({ baseURL: second, apiKey: 'anything', timeout: 60_000 });
const made = new Map();
let passed = 0;

async function call(name, work) {
  made.set(name, (made.get(name) ?? 0) + 1);
  const answer = await work();
  passed++;
  return answer;
}

async function refused(name, check, work) {
  made.set(`${name} (refused)`, (made.get(`${name} (refused)`) ?? 0) + 1);
  await assert.rejects(async () => {
    const answer = await work();
    if (answer?.[Symbol.asyncIterator]) for await (const _ of answer);
  }, (error) => {
    check(error);
    return true;
  });
  passed++;
}

const events = async (stream) => {
  const all = [];
  for await (const event of stream) all.push(event);
  return all;
};

const texts = async (conversation, from = client) => {
  const all = [];
  const pages = await call('items.list', () => from.conversations.items.list(conversation, { order: 'asc', limit: 7 }));
  for await (const item of pages) all.push(item.content?.[0]?.text ?? item.output ?? item.name);
  return all;
};

const checks = {
  async models() {
    const models = await call('models.list', () => client.models.list());
    assert(models.data.some((model) => model.id === 'echo'));
    await refused('models.retrieve', (e) => assert.equal(e.status, 404), () => client.models.retrieve('nobody'));
  },

  async completions() {
    const messages = [{ role: 'user', content: 'a b c' }];
    const plain = await call('chat.create', () => client.chat.completions.create({ model: 'echo', messages }));
    assert.equal(plain.choices[0].message.content, 'a b c');
    const chunks = await events(await call('chat.stream', () =>
      client.chat.completions.create({ model: 'echo', messages, stream: true, stream_options: { include_usage: true } })));
    assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), 'a b c');
    assert.equal(chunks.at(-1).choices.length, 0);
    assert(chunks.at(-1).usage.total_tokens > 0);
    assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
    const helper = client.chat.completions.stream({ model: 'echo', messages });
    assert.equal((await call('chat.stream helper', () => helper.finalChatCompletion())).choices[0].finish_reason, 'stop');
    await refused('chat.stream', (e) => assert.match(e.message, /echo failed/), () =>
      client.chat.completions.create({ model: 'echo', messages, stream: true, echo: { fail: 'after:1' } }));
  },

  async completionsInAThread() {
    const own = new OpenAI({ baseURL: first, apiKey: 'x', defaultHeaders: { 'Heddle-Session': `node-${process.pid}` } });
    const messages = [];
    for (const content of ['one', 'two', 'three']) {
      messages.push({ role: 'user', content });
      const answer = await call('chat.create', () => own.chat.completions.create({ model: 'echo', messages }));
      messages.push(answer.choices[0].message);
    }
    assert.deepEqual(await texts(`node-${process.pid}`), ['one', 'one', 'two', 'two', 'three', 'three']);
  },

  async conversations() {
    const conversation = await call('conversations.create', () =>
      client.conversations.create({ metadata: { topic: 'looms' }, items: [{ role: 'user', content: 'm0' }] }));
    for (let from = 1; from < 30; from += 20) {
      const items = Array.from({ length: Math.min(20, 30 - from) }, (_, i) => ({ role: 'user', content: `m${from + i}` }));
      await call('items.create', () => client.conversations.items.create(conversation.id, { items }));
    }
    assert.deepEqual(await texts(conversation.id), Array.from({ length: 30 }, (_, i) => `m${i}`));
    // What one replica wrote the other one shows at once.
    assert.deepEqual(await texts(conversation.id, other), Array.from({ length: 30 }, (_, i) => `m${i}`));
    const newest = await call('items.list', () => client.conversations.items.list(conversation.id));
    assert.equal(newest.data.length, 20);
    assert.equal(newest.data[0].content[0].text, 'm29');
    const gone = await call('items.delete', () =>
      client.conversations.items.delete(newest.data[0].id, { conversation_id: conversation.id }));
    assert.equal(gone.id, conversation.id);
    const changed = await call('conversations.update', () =>
      client.conversations.update(conversation.id, { metadata: { topic: 'heddles' } }));
    assert.deepEqual(changed.metadata, { topic: 'heddles' });
    await refused('items.create', (e) => assert.equal(e.status, 400), () =>
      client.conversations.items.create(conversation.id, { items: Array(101).fill({ role: 'user', content: 'x' }) }));
    await refused('conversations.update', (e) => assert.equal(e.status, 400), () =>
      client.conversations.update(conversation.id, { metadata: { k: 'v'.repeat(513) } }));
    assert.equal((await call('conversations.delete', () => client.conversations.delete(conversation.id))).deleted, true);
    await refused('conversations.retrieve', (e) => assert.equal(e.status, 404), () => other.conversations.retrieve(conversation.id));
  },

  async itemsAreTakenBackOneByOne() {
    const conversation = await call('conversations.create', () => client.conversations.create());
    await call('responses.create', () => client.responses.create({
      model: 'echo', conversation: conversation.id, input: 'weather?', echo: { reasoning: 'hm', toolCall: { name: 'f', arguments: {} } },
    }));
    const ids = async () => (await events(await call('items.list', () =>
      other.conversations.items.list(conversation.id, { order: 'asc' })))).map((item) => item.id);
    const all = await ids();
    assert.equal(all.length, 3);
    while (all.length > 0) {
      const last = all.pop();
      await call('items.delete', () => client.conversations.items.delete(last, { conversation_id: conversation.id }));
      assert.deepEqual(await ids(), all);
    }
  },

  async itemsOfEveryKind() {
    const given = [
      { type: 'message', role: 'user', id: 'mine_1', status: 'completed', content: [{ type: 'input_text', text: 'é😀' }, { type: 'input_image', image_url: 'data:,x', detail: 'low', file_id: null }] },
      { type: 'reasoning', id: 'rs_mine', summary: [{ type: 'summary_text', text: 's' }], encrypted_content: 'e' },
      { type: 'function_call', id: 'fc_mine', call_id: 'c1', name: 'f', arguments: '{"a":[]}', status: 'completed' },
      { type: 'function_call_output', id: 'fco_mine', call_id: 'c1', output: [{ type: 'input_text', text: 'x' }], status: 'completed' },
      { type: 'a_type_of_next_year', id: 'new_1', empty: [], deep: { er: [1, 2.5, null] } },
    ];
    const conversation = await call('conversations.create', () => client.conversations.create({ items: given }));
    const shown = await events(await call('items.list', () => other.conversations.items.list(conversation.id, { order: 'asc' })));
    assert.deepEqual(shown, given);
    for (const item of given) {
      assert.deepEqual(await call('items.retrieve', () =>
        other.conversations.items.retrieve(item.id, { conversation_id: conversation.id })), item);
    }
  },

  async responses() {
    const made = await call('responses.create', () => client.responses.create({ model: 'echo', input: 'How do you do?', metadata: { n: '1' } }));
    assert.equal(made.output_text, 'How do you do?');
    const again = await call('responses.retrieve', () => other.responses.retrieve(made.id));
    assert.deepEqual(again, made);
    const items = await call('responses.input_items', () => other.responses.inputItems.list(made.id));
    assert.equal(items.data[0].content[0].text, 'How do you do?');
    const next = await call('responses.create', () =>
      other.responses.create({ model: 'echo', input: 'And you?', previous_response_id: made.id }));
    assert.equal(next.output_text, 'And you?');
    await refused('responses.create', (e) => assert.equal(e.code, 'previous_response_not_found'), () =>
      client.responses.create({ model: 'echo', input: 'x', previous_response_id: 'resp_nope' }));
    await refused('responses.create', (e) => assert.equal(e.code, 'unsupported_parameter'), () =>
      client.responses.create({ model: 'echo', input: 'x', tools: [{ type: 'web_search' }] }));
    assert.equal((await call('responses.input_tokens', () => client.responses.inputTokens.count({ model: 'echo', input: 'one two' }))).object,
      'response.input_tokens');
    await call('responses.delete', () => other.responses.delete(made.id));
    await refused('responses.retrieve', (e) => assert.equal(e.status, 404), () => client.responses.retrieve(made.id));
  },

  async streamsFromAnyReplica() {
    const stream = await call('responses.stream', () =>
      client.responses.create({ model: 'echo', input: 'word', stream: true, echo: { tokens: 60, pace: '20ms' } }));
    const seen = [];
    for await (const event of stream) {
      seen.push(event);
      if (seen.length === 8) break; // the client hangs up, the answer goes on
    }
    const id = seen[0].response.id;
    const rest = await events(await call('responses.resume', () =>
      other.responses.retrieve(id, { stream: true, starting_after: seen.at(-1).sequence_number })));
    const whole = await events(await call('responses.resume', () => client.responses.retrieve(id, { stream: true })));
    assert.deepEqual([...seen, ...rest], whole);
    assert.deepEqual(whole.map((e) => e.sequence_number), whole.map((_, i) => i));
    assert.equal(whole.at(-1).type, 'response.completed');
    const helper = other.responses.stream({ response_id: id, starting_after: 5 });
    const final = await call('responses.stream helper', () => helper.finalResponse());
    assert.equal(final.output_text.trim().split(' ').length, 60);
    assert.equal(final.output[0].content[0].text, whole.at(-1).response.output[0].content[0].text);
  },

  async thoughtsRefusalsAndTools() {
    const thought = client.responses.stream({ model: 'echo', input: 'x', echo: { reasoning: 'let me see' } });
    const final = await call('responses.stream helper', () => thought.finalResponse());
    assert.deepEqual(final.output.map((item) => item.type), ['reasoning', 'message']);
    assert.equal(final.output[0].content[0].text, 'let me see');
    const refusal = await call('responses.create', () => client.responses.create({ model: 'echo', input: 'x', echo: { refusal: 'no' } }));
    assert.deepEqual(refusal.output[0].content, [{ type: 'refusal', refusal: 'no' }]);
    const conversation = await call('conversations.create', () => client.conversations.create());
    const stream = client.responses.stream({
      model: 'echo', input: 'weather?', conversation: conversation.id,
      tools: [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} }, strict: false }],
      echo: { toolCall: { name: 'weather', arguments: { c: 'Lyon' } } },
    });
    const called = (await call('responses.stream helper', () => stream.finalResponse())).output.at(-1);
    assert.equal(called.name, 'weather');
    await refused('responses.create', (e) => assert.match(e.message, /No tool output found/), () =>
      other.responses.create({ model: 'echo', input: 'well?', conversation: conversation.id }));
    const answered = await call('responses.create', () => other.responses.create({
      model: 'echo', conversation: conversation.id,
      input: [called, { type: 'function_call_output', call_id: called.call_id, output: 'sunny' }],
    }));
    assert.equal(answered.output_text, 'sunny');
    assert.deepEqual(await texts(conversation.id), ['weather?', 'weather', 'sunny', 'sunny']);
  },

  async backgroundAndCancelFromAnotherReplica() {
    const made = await call('responses.create', () =>
      client.responses.create({ model: 'echo', input: 'word', background: true, echo: { tokens: 100_000, pace: '20ms' } }));
    assert(['queued', 'in_progress'].includes(made.status));
    const cancelled = await call('responses.cancel', () => other.responses.cancel(made.id));
    assert.equal(cancelled.status, 'cancelled');
    const next = await call('responses.create', () =>
      client.responses.create({ model: 'echo', input: 'next', previous_response_id: made.id }));
    assert.equal(next.output_text, 'next');
  },

  async aBusyConversationIsWaitedFor() {
    const conversation = await call('conversations.create', () => client.conversations.create());
    await call('responses.create', () => client.responses.create({
      model: 'echo', input: 'slow', conversation: conversation.id, background: true, echo: { tokens: 20, pace: '50ms' },
    }));
    // The client tries again by itself, because it is told that it should.
    const next = await call('responses.create', () => other.responses.create(
      { model: 'echo', input: 'next', conversation: conversation.id }, { headers: { 'Heddle-On-Busy': 'reject' }, maxRetries: 5 }));
    assert.equal(next.output_text, 'next');
    // And without that header it stands in line.
    const [a, b] = await Promise.all(['a', 'b'].map((input) => call('responses.create', () =>
      client.responses.create({ model: 'echo', input, conversation: conversation.id }))));
    assert.deepEqual([a.output_text, b.output_text], ['a', 'b']);
    assert.equal((await texts(conversation.id)).length, 8);
  },

  async aLostAnswerIsFoundAgain() {
    for (const where of [{}, { conversation: (await call('conversations.create', () => client.conversations.create())).id }]) {
      let tries = 0;
      const lossy = new OpenAI({
        baseURL: first, apiKey: 'x', maxRetries: 2,
        fetch: async (url, init) => {
          tries++;
          const to = tries === 1 ? url : String(url).replace(first, second);
          const answer = fetch(to, init);
          if (tries > 1) return answer;
          await answer; // it is answered, and the answer is lost
          throw new TypeError('connection reset');
        },
      });
      const made = await call('responses.create', () => lossy.responses.create({ model: 'echo', input: 'once', ...where }));
      assert.equal(tries, 2);
      const session = made.id.replace(/^resp_[0-9a-z]{16}_/, '');
      assert.deepEqual(await texts(session), ['once', 'once']);
    }
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}
const all = [...made.values()].reduce((sum, count) => sum + count, 0);
console.log(`openai-node on two replicas: calls=${all} passed=${passed} ${JSON.stringify(Object.fromEntries([...made].sort()))}`);
process.exit(failed > 0 || passed !== all ? 1 : 0);
