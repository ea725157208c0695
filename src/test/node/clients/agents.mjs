import {
  Agent, MemorySession, OpenAIConversationsSession, OpenAIProvider, OpenAIResponsesCompactionSession, Runner, setTracingDisabled, tool,
} from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { answer, assert, base, call, cases, counted, model, picture, pictureSeen, refused, trip, weather } from './cases.mjs';

setTracingDisabled(true);
const openAIClient = new OpenAI({ baseURL: base, apiKey: 'anything', maxRetries: 0 });
const runner = (useResponses) => new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses }), tracingDisabled: true });
const city = z.object({ city: z.string() });
const tools = [
  tool({ name: 'weather', description: 'The weather', parameters: city, execute: ({ city }) => weather(city) }),
  tool({ name: 'book', description: 'Books a trip', parameters: city, execute: ({ city }) => city }),
];
const look = tool({
  name: 'look',
  description: 'Looks',
  parameters: z.object({}),
  execute: () => ({ type: 'image', image: { data: picture, mediaType: 'image/png' } }),
});
const agent = (more = {}) => new Agent({ name: 'Weaver', instructions: 'Be kind.', model, ...more });
const streamed = async (own, ...args) => {
  const [weaver, input, options] = args;
  const result = await own.run(weaver, input, { ...options, stream: true });
  const deltas = [];
  for await (const text of result.toTextStream()) deltas.push(text);
  await result.completed;
  result.deltas = deltas;
  return result;
};
const asks = (own) => [(...args) => own.run(...args), (...args) => streamed(own, ...args)];

function wireCases(wire, own, toolImages) {
  return {
    [`${wire}: turns`]: async () => {
      for (const ask of asks(own)) {
        const first = await call(() => ask(agent(), 'I am Ada'));
        assert.equal(first.finalOutput, 'Noted: I am Ada');
        const second = await call(() => ask(agent(), [...first.history, { role: 'user', content: 'What did I say?' }]));
        assert.equal(second.finalOutput, 'You said: I am Ada. Be kind.');
      }
    },
    [`${wire}: tools`]: async () => {
      for (const ask of asks(own)) {
        for (const question of ['Plan a trip', 'Plan a trip aloud']) {
          const made = await call(() => ask(agent({ tools }), question));
          assert.match(made.finalOutput, trip);
          assert.equal(made.newItems.filter((item) => item.type === 'tool_call_output_item').length, 3);
          const next = await call(() => ask(agent({ tools }), [...made.history, { role: 'user', content: 'What did I say?' }]));
          assert.equal(next.finalOutput, `You said: ${question}. Be kind.`);
        }
        const alone = await call(() => ask(agent({ tools, modelSettings: { parallelToolCalls: false } }), 'Plan a trip'));
        assert.match(alone.finalOutput, trip);
      }
    },
    [`${wire}: handoffs`]: async () => {
      const expert = agent({ name: 'Expert', instructions: 'I know looms.' });
      for (const ask of asks(own)) {
        const made = await call(() => ask(agent({ name: 'Triage', handoffs: [expert] }), 'Ask the expert'));
        assert.equal(made.finalOutput, 'As an expert: I know looms.');
        assert.equal(made.lastAgent.name, 'Expert');
      }
    },
    [`${wire}: stream`]: async () => {
      const made = await call(() => streamed(own, agent(), 'Count'));
      assert.equal(made.deltas.join(''), counted);
      assert(made.deltas.length > 1);
      assert.equal(made.state.usage.totalTokens, 15);
    },
    [`${wire}: format`]: async () => {
      const outputType = z.object({ city: z.string(), degrees: z.number() });
      for (const ask of asks(own)) {
        assert.deepEqual((await call(() => ask(agent({ outputType }), 'Where is it warm?'))).finalOutput, answer);
      }
    },
    [`${wire}: images`]: async () => {
      const content = [
        { type: 'input_text', text: 'What do you see?' },
        { type: 'input_image', image: `data:image/png;base64,${picture}` },
      ];
      assert.equal((await call(() => own.run(agent(), [{ role: 'user', content }]))).finalOutput, `I see: ${pictureSeen}`);
      if (!toolImages) return;
      assert.equal((await call(() => own.run(agent({ tools: [look] }), 'Look around'))).finalOutput, `The tool shows: ${pictureSeen}`);
    },
    [`${wire}: abort`]: async () => {
      const session = new MemorySession();
      const aborted = new AbortController();
      await call(() => own.run(agent(), 'I am Ada', { session }));
      await call(async () => {
        const result = await own.run(agent(), 'Go on', { stream: true, signal: aborted.signal, session });
        let text = '';
        for await (const piece of result.toTextStream()) {
          text += piece;
          if (text.includes('3')) aborted.abort();
        }
        await result.completed.catch((e) => assert.match(`${e.name} ${e.message}`, /abort/i));
        assert(aborted.signal.aborted);
      });
      const next = await call(() => own.run(agent(), 'What did I say?', { session }));
      assert.match(next.finalOutput, /^You said: I am Ada( \/ Go on)?\. Be kind\.$/);
    },
    [`${wire}: errors`]: async () => {
      for (const status of [400, 503]) {
        const words = new RegExp(`The model says no with ${status}`);
        await refused((e) => assert.match(e.message, words), () => own.run(agent(), `Fail with ${status}`));
        // This client does not tell why a stream has failed.
        await refused((e) => assert.match(e.message, /response\.failed|The model says no/), () =>
          streamed(own, agent(), `Fail with ${status}`));
      }
      await refused((e) => assert(e), () => streamed(own, agent(), 'Break off'));
      await refused((e) => assert.equal(e.status, 404), () => own.run(agent({ model: 'nobody' }), 'x'));
    },
  };
}

/** A session keeps the thread; the client puts it before what it asks next. */
function sessionCases(name, own, open) {
  return {
    [`${name}: turns`]: async () => {
      for (const ask of asks(own)) {
        const session = open();
        await call(() => ask(agent(), 'I am Ada', { session }));
        await call(() => ask(agent({ tools }), 'Plan a trip aloud', { session }));
        const last = await call(() => ask(agent(), 'What did I say?', { session }));
        assert.equal(last.finalOutput, 'You said: I am Ada / Plan a trip aloud. Be kind.');
        const items = await call(() => session.getItems());
        assert(items.length >= 6);
        assert.deepEqual((await call(() => session.getItems(2))), items.slice(-2));
        await call(() => session.popItem());
        assert.equal((await session.getItems()).length, items.length - 1);
        await call(() => session.clearSession());
        assert.deepEqual(await session.getItems(), []);
      }
    },
  };
}

const responses = runner(true);
const chat = runner(false);

await cases('@openai/agents', {
  ...wireCases('responses', responses, true),
  ...wireCases('chat', chat, false),
  ...sessionCases('memory session', responses, () => new MemorySession()),
  ...sessionCases('memory session over chat', chat, () => new MemorySession()),
  ...sessionCases('conversations session', responses, () => new OpenAIConversationsSession({ client: openAIClient })),
  'conversations session: abort': async () => {
    const session = new OpenAIConversationsSession({ client: openAIClient });
    const aborted = new AbortController();
    await call(async () => {
      const result = await responses.run(agent(), 'Take your time', { stream: true, signal: aborted.signal, session });
      for await (const piece of result.toTextStream()) if (piece) aborted.abort();
      await result.completed.catch((e) => assert.match(`${e.name} ${e.message}`, /abort/i));
    });
    const next = await call(() => responses.run(agent(), 'What did I say?', { session }));
    assert.match(next.finalOutput, /^You said: (Take your time)?\. Be kind\.$/);
  },
  'conversationId: turns': async () => {
    const { id } = await openAIClient.conversations.create();
    for (const ask of asks(responses)) {
      await call(() => ask(agent(), 'I am Ada', { conversationId: id }));
      assert.match((await call(() => ask(agent({ tools }), 'Plan a trip aloud', { conversationId: id }))).finalOutput, trip);
    }
    const last = await call(() => responses.run(agent(), 'What did I say?', { conversationId: id }));
    assert.equal(last.finalOutput, 'You said: I am Ada / Plan a trip aloud / I am Ada / Plan a trip aloud. Be kind.');
  },
  'previousResponseId: turns': async () => {
    const first = await call(() => responses.run(agent(), 'I am Ada'));
    const second = await call(() => streamed(responses, agent({ tools }), 'Plan a trip aloud', { previousResponseId: first.lastResponseId }));
    assert.match(second.finalOutput, trip);
    const last = await call(() => responses.run(agent(), 'What did I say?', { previousResponseId: second.lastResponseId }));
    assert.equal(last.finalOutput, 'You said: I am Ada / Plan a trip aloud. Be kind.');
  },
  'compaction session: turns': async () => {
    for (const compactionMode of ['input', 'previous_response_id', 'auto']) {
      const session = new OpenAIResponsesCompactionSession({
        client: openAIClient,
        model: 'gpt-stock',
        compactionMode,
        shouldTriggerCompaction: ({ compactionCandidateItems }) => compactionCandidateItems.length >= 5,
      });
      await call(() => responses.run(agent(), 'I am Ada', { session }));
      await call(() => responses.run(agent({ tools }), 'Plan a trip', { session }));
      const items = await session.getItems();
      assert(items.some((item) => item.type === 'compaction'), JSON.stringify(items));
      assert(!items.some((item) => item.type === 'function_call'), JSON.stringify(items));
      for (const ask of asks(responses)) {
        const last = await call(() => ask(agent(), 'What did I say?', { session }));
        assert.match(last.finalOutput, /In short: Ada weaves\./);
      }
      await call(() => session.runCompaction({ force: true }));
      const next = await call(() => responses.run(agent(), 'What did I say?', { session }));
      assert.match(next.finalOutput, /In short: /);
    }
  },
});
