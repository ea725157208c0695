import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  all, answer, assert, base, call, cases, counted, format, model, picture, pictureSeen, refused, trip, weather,
} from './cases.mjs';

const client = new OpenAI({ baseURL: base, apiKey: 'anything', timeout: 60_000 });
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = ['weather', 'book'].map((name) => ({ type: 'function', name, parameters, strict: true }));
const chatTools = tools.map(({ type, ...rest }) => ({ type, function: rest }));
const shape = z.object({ city: z.string(), degrees: z.number() });
const output = (name, args) => (name === 'weather' ? weather(JSON.parse(args).city) : JSON.parse(args).city);

const respond = (input, more = {}) => client.responses.create({ model, input, ...more });
const streamed = async (input, more = {}) => {
  const events = await all(await client.responses.create({ model, input, stream: true, ...more }));
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  assert.equal(events.at(-1).type, 'response.completed');
  return events.at(-1).response;
};
const outputs = (response) => response.output.filter((item) => item.type === 'function_call').map((item) => (
  { type: 'function_call_output', call_id: item.call_id, output: output(item.name, item.arguments) }));
const text = (response) => response.output.filter((item) => item.type === 'message').map((item) => item.content[0].text).join('');

/** Until no tool is called any more; link tells how a request goes on from the one before. */
async function loop(ask, link, steps, more = {}) {
  let input = 'Plan a trip';
  let before;
  for (let i = 0; ; i++) {
    const response = await call(() => ask(input, { tools, ...more, ...(before ? link(before) : link()) }));
    const answers = outputs(response);
    if (answers.length === 0) {
      assert.match(text(response), trip);
      assert.equal(i, steps);
      return;
    }
    before = response;
    input = answers;
  }
}

const previous = (before) => (before ? { previous_response_id: before.id } : {});
const conversation = async () => (await call(() => client.conversations.create())).id;

/** Chat Completions, as a client without and one with a session. */
function chatCases(mode, open) {
  const create = (own, messages, more = {}) => own.chat.completions.create({ model, messages, ...more });
  return {
    [`${mode}: turns`]: async () => {
      const own = open();
      const messages = [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'I am Ada' }];
      const first = await call(() => create(own, messages));
      assert.equal(first.choices[0].message.content, 'Noted: I am Ada');
      messages.push(first.choices[0].message, { role: 'user', content: 'What did I say?' });
      const second = await call(() => create(own, messages));
      assert.equal(second.choices[0].message.content, 'You said: I am Ada. Be kind.');
    },
    [`${mode}: tools`]: async () => {
      for (const stream of [false, true]) {
        for (const parallel of [true, false]) {
          const own = open();
          const messages = [{ role: 'user', content: 'Plan a trip' }];
          for (let i = 0; ; i++) {
            const more = { tools: chatTools, parallel_tool_calls: parallel };
            const { message } = (await call(async () => (stream
              ? own.chat.completions.stream({ model, messages, ...more }).finalChatCompletion()
              : create(own, messages, more)))).choices[0];
            messages.push(message);
            if (!message.tool_calls?.length) {
              assert.match(message.content, trip);
              assert.equal(i, parallel ? 2 : 3);
              break;
            }
            for (const { id, function: { name, arguments: args } } of message.tool_calls) {
              messages.push({ role: 'tool', tool_call_id: id, content: output(name, args) });
            }
          }
        }
      }
      const runner = open().chat.completions.runTools({
        model,
        stream: true,
        messages: [{ role: 'user', content: 'Plan a trip' }],
        tools: [
          { type: 'function', function: { name: 'weather', parameters, parse: JSON.parse, function: ({ city }) => weather(city) } },
          { type: 'function', function: { name: 'book', parameters, parse: JSON.parse, function: ({ city }) => city } },
        ],
      });
      assert.match(await call(() => runner.finalContent()), trip);
    },
    [`${mode}: stream`]: async () => {
      const chunks = await call(async () => all(await create(open(), [{ role: 'user', content: 'Count' }],
        { stream: true, stream_options: { include_usage: true } })));
      assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), counted);
      assert.equal(chunks.at(-1).usage.total_tokens, 15);
    },
    [`${mode}: format`]: async () => {
      const messages = [{ role: 'user', content: 'Where is it warm?' }];
      const parsed = await call(() => open().chat.completions.parse({ model, messages, response_format: zodResponseFormat(shape, 'warm') }));
      assert.deepEqual(parsed.choices[0].message.parsed, answer);
      const stream = open().chat.completions.stream({ model, messages, response_format: zodResponseFormat(shape, 'warm') });
      assert.deepEqual((await call(() => stream.finalChatCompletion())).choices[0].message.parsed, answer);
    },
    [`${mode}: images`]: async () => {
      const content = [
        { type: 'text', text: 'What do you see?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}`, detail: 'low' } },
      ];
      const seen = await call(() => create(open(), [{ role: 'user', content }]));
      assert.equal(seen.choices[0].message.content, `I see: ${pictureSeen}`);
    },
    [`${mode}: abort`]: async () => {
      const own = open();
      const messages = [{ role: 'user', content: 'Take your time' }];
      const stream = await call(() => create(own, messages, { stream: true }));
      let partial = '';
      for await (const chunk of stream) {
        partial += chunk.choices[0]?.delta.content ?? '';
        if (partial.includes('3')) break;
      }
      const aborted = new AbortController();
      await refused((e) => assert.match(e.constructor.name + e.name, /Abort/), async () => {
        const again = await own.chat.completions.create({ model, messages, stream: true }, { signal: aborted.signal });
        for await (const chunk of again) if (chunk.choices[0]?.delta.content) aborted.abort();
        aborted.signal.throwIfAborted(); // a stream ends without an error
      });
      messages.push({ role: 'assistant', content: partial }, { role: 'user', content: 'What did I say?' });
      const next = await call(() => create(own, messages));
      assert.match(next.choices[0].message.content, /^You said: (Take your time( \/ )?)+\. $/);
    },
    [`${mode}: errors`]: async () => {
      const fails = (status, more) => create(open(), [{ role: 'user', content: `Fail with ${status}` }], more);
      for (const more of [{}, { stream: true }]) {
        await refused((e) => {
          assert.equal(e.status, 400);
          assert.match(e.message, /The model says no with 400/);
        }, () => fails(400, more));
        await refused((e) => assert.match(e.message, /The model says no with 503/), () => fails(503, more));
      }
      await refused((e) => assert(e instanceof OpenAI.APIError), async () =>
        all(await create(open(), [{ role: 'user', content: 'Break off' }], { stream: true })));
      await refused((e) => assert.equal(e.code, 'model_not_found'), () =>
        open().chat.completions.create({ model: 'nobody', messages: [{ role: 'user', content: 'x' }] }));
    },
  };
}

let sessions = 0;

await cases('openai', {
  'responses: turns': async () => {
    const first = await call(() => respond('I am Ada', { instructions: 'Be kind.' }));
    assert.equal(first.output_text, 'Noted: I am Ada');
    const second = await call(() => streamed('What did I say?', { ...previous(first), instructions: 'Be brief.' }));
    assert.equal(text(second), 'You said: I am Ada. Be brief.');
  },
  'conversation: turns': async () => {
    const id = await conversation();
    await call(() => respond('I am Ada', { conversation: id }));
    await call(() => streamed('I weave', { conversation: { id } }));
    const last = await call(() => respond('What did I say?', { conversation: id }));
    assert.equal(last.output_text, 'You said: I am Ada / I weave. ');
    assert.equal((await call(async () => all(client.conversations.items.list(id)))).length, 6);
  },
  'stateless: turns': async () => {
    const input = [{ role: 'user', content: 'I am Ada' }];
    const first = await call(() => respond(input, { store: false }));
    input.push(...first.output, { role: 'user', content: 'What did I say?' });
    const second = await call(() => respond(input, { store: false }));
    assert.equal(second.output_text, 'You said: I am Ada. ');
  },
  'responses: tools': async () => {
    for (const ask of [respond, streamed]) {
      await loop(ask, previous, 2);
      await loop(ask, previous, 3, { parallel_tool_calls: false });
    }
  },
  'conversation: tools': async () => {
    const id = await conversation();
    await loop(respond, () => ({ conversation: id }), 2);
    await loop(streamed, () => ({ conversation: id }), 2);
  },
  'stateless: tools': async () => {
    const input = [{ role: 'user', content: 'Plan a trip' }];
    for (let i = 0; i < 3; i++) {
      const response = await call(() => respond(input, { tools, store: false, include: ['reasoning.encrypted_content'] }));
      input.push(...response.output, ...outputs(response));
    }
    assert.match(input.at(-1).content[0].text, trip);
  },
  'compact: turns': async () => {
    const first = await call(() => respond('I am Ada'));
    const trips = await call(() => respond('I weave', previous(first)));
    for (const from of [{ input: [{ role: 'user', content: 'I am Ada' }, ...first.output] }, { previous_response_id: trips.id }]) {
      const compacted = await call(() => client.responses.compact({ model, ...from }));
      assert.equal(compacted.object, 'response.compaction');
      assert.equal(compacted.output.at(-1).type, 'compaction');
      const next = await call(() => respond([...compacted.output, { role: 'user', content: 'What did I say?' }], { store: false }));
      assert.match(next.output_text, /In short: Ada weaves\./);
    }
  },
  'responses: stream': async () => {
    const stream = client.responses.stream({ model, input: 'Count' });
    const deltas = [];
    stream.on('response.output_text.delta', (event) => deltas.push(event.delta));
    const final = await call(() => stream.finalResponse());
    assert.equal(final.output_text, counted);
    assert.equal(deltas.join(''), counted);
    assert.equal(final.usage.total_tokens, 15);
    const thought = await call(() => streamed('Think first'));
    assert.deepEqual(thought.output.map((item) => item.type), ['reasoning', 'message']);
    const next = await call(() => respond('What did I say?', previous(thought)));
    assert.equal(next.output_text, 'You said: Think first. ');
  },
  'responses: format': async () => {
    const parsed = await call(() => client.responses.parse({ model, input: 'Where is it warm?', text: { format: zodTextFormat(shape, 'warm') } }));
    assert.deepEqual(parsed.output_parsed, answer);
    const plain = await call(() => streamed('Where is it warm?', { text: { format: { type: 'json_schema', name: 'warm', schema: format, strict: true } } }));
    assert.deepEqual(JSON.parse(text(plain)), answer);
  },
  'responses: images': async () => {
    const content = [
      { type: 'input_text', text: 'What do you see?' },
      { type: 'input_image', image_url: `data:image/png;base64,${picture}`, detail: 'low' },
    ];
    const seen = await call(() => respond([{ role: 'user', content }]));
    assert.equal(seen.output_text, `I see: ${pictureSeen}`);
    const looked = await call(() => respond('Look around', { tools: [{ ...tools[0], name: 'look' }] }));
    const shown = await call(() => respond([{
      type: 'function_call_output', call_id: looked.output[0].call_id, output: [{ type: 'input_image', image_url: `data:image/png;base64,${picture}`, detail: 'auto' }],
    }], { ...previous(looked), tools: [{ ...tools[0], name: 'look' }] }));
    assert.equal(shown.output_text, `The tool shows: ${pictureSeen}`);
  },
  'conversation: abort': async () => {
    const id = await conversation();
    const aborted = new AbortController();
    await refused((e) => assert.match(e.constructor.name + e.name, /Abort/), async () => {
      const stream = await client.responses.create(
        { model, input: 'Take your time', conversation: id, stream: true }, { signal: aborted.signal });
      for await (const event of stream) if (event.type === 'response.output_text.delta') aborted.abort();
      aborted.signal.throwIfAborted(); // a stream ends without an error
    });
    const next = await call(() => respond('What did I say?', { conversation: id }));
    assert.equal(next.output_text, 'You said: Take your time. ');
  },
  'responses: abort': async () => {
    const stream = await call(() => client.responses.create({ model, input: 'Take your time', stream: true }));
    let id;
    for await (const event of stream) {
      id ??= event.response?.id;
      if (event.type === 'response.output_text.delta') break;
    }
    const cancelled = await call(() => client.responses.cancel(id));
    assert(['cancelled', 'completed'].includes(cancelled.status));
    const next = await call(() => respond('What did I say?', { previous_response_id: id }));
    assert.equal(next.output_text, 'You said: Take your time. ');
  },
  'responses: errors': async () => {
    await refused((e) => {
      assert.equal(e.status, 400);
      assert.match(e.message, /The model says no with 400/);
    }, () => respond('Fail with 400'));
    await refused((e) => assert.equal(e.code, 'previous_response_not_found'), () => respond('x', { previous_response_id: 'resp_none' }));
    await refused((e) => assert.equal(e.code, 'model_not_found'), () => respond('x', { model: 'nobody' }));
    for (const input of ['Fail with 503', 'Break off']) {
      const events = await call(async () => all(await respond(input, { stream: true })));
      assert.equal(events.at(-1).type, 'response.failed');
    }
    const id = await conversation();
    await refused((e) => assert.match(e.message, /The model says no with 503/), () => respond('Fail with 503', { conversation: id }));
    const next = await call(() => respond('What did I say?', { conversation: id }));
    assert.match(next.output_text, /^You said: /);
  },
  ...chatCases('chat', () => client),
  ...chatCases('chat in a session', () => new OpenAI({
    baseURL: base, apiKey: 'anything', defaultHeaders: { 'Heddle-Session': `openai-${process.pid}-${sessions++}` },
  })),
});
