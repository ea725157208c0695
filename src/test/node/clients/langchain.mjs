import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { MemorySaver } from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
import { z } from 'zod';
import { answer, assert, base, call, cases, counted, model, picture, pictureSeen, refused, trip, weather } from './cases.mjs';

const shape = z.object({ city: z.string(), degrees: z.number() });
const city = z.object({ city: z.string() });
const tools = [
  tool(({ city }) => weather(city), { name: 'weather', schema: city }),
  tool(({ city }) => city, { name: 'book', schema: city }),
];
const open = (more = {}) => new ChatOpenAI({ model, apiKey: 'anything', configuration: { baseURL: base }, maxRetries: 0, ...more });

const streamed = (chat) => ({
  invoke: async (messages, options) => {
    let whole;
    for await (const chunk of await chat.stream(messages, options)) whole = whole ? whole.concat(chunk) : chunk;
    assert(whole instanceof AIMessageChunk);
    return whole;
  },
});

/** One thread of a graph with memory: it calls the model and the tools, and remembers. */
function graph(chat) {
  const agent = createReactAgent({ llm: chat, tools, prompt: 'Be kind.', checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: '1' } };
  return {
    invoke: async (text) => (await agent.invoke({ messages: [new HumanMessage(text)] }, thread)).messages,
    stream: async (text) => {
      const tokens = [];
      for await (const [chunk] of await agent.stream({ messages: [new HumanMessage(text)] }, { ...thread, streamMode: 'messages' })) {
        if (chunk instanceof AIMessageChunk) tokens.push(chunk.text);
      }
      return { tokens: tokens.filter(Boolean), messages: (await agent.getState(thread)).values.messages };
    },
  };
}

/** This client takes no notice of response.failed; what it gives then is not completed. */
async function failed(work) {
  const made = await work();
  assert.notEqual(made.response_metadata.status, 'completed');
  assert.equal(made.response_metadata.finish_reason, undefined);
  throw new Error('The model says no with 400, or nothing more');
}

function wireCases(wire, more) {
  const fresh = () => open(more());
  return {
    [`${wire}: turns`]: async () => {
      for (const ask of [fresh(), streamed(fresh())]) {
        const messages = [new SystemMessage('Be kind.'), new HumanMessage('I am Ada')];
        const first = await call(() => ask.invoke(messages));
        assert.equal(first.text, 'Noted: I am Ada');
        messages.push(first, new HumanMessage('What did I say?'));
        assert.equal((await call(() => ask.invoke(messages))).text, 'You said: I am Ada. Be kind.');
      }
    },
    [`${wire}: tools`]: async () => {
      for (const question of ['Plan a trip', 'Plan a trip aloud']) {
        for (const ask of [fresh().bindTools(tools), streamed(fresh().bindTools(tools))]) {
          const messages = [new HumanMessage(question)];
          for (let i = 0; i < 3; i++) {
            const said = await call(() => ask.invoke(messages));
            messages.push(said);
            assert.equal(said.tool_calls.length, [2, 1, 0][i]);
            for (const { id, name, args } of said.tool_calls) {
              messages.push(new ToolMessage({ tool_call_id: id, content: name === 'weather' ? weather(args.city) : args.city }));
            }
          }
          assert.match(messages.at(-1).text, trip);
        }
      }
    },
    [`${wire}, a graph: tools`]: async () => {
      const thread = graph(fresh());
      await call(() => thread.invoke('I am Ada'));
      const made = await call(() => thread.invoke('Plan a trip'));
      assert.match(made.at(-1).text, trip);
      const { messages, tokens } = await call(() => thread.stream('Plan a trip aloud'));
      assert.match(messages.at(-1).text, trip);
      assert(tokens.length > 1);
      const last = await call(() => thread.invoke('What did I say?'));
      assert.equal(last.at(-1).text, 'You said: I am Ada / Plan a trip / Plan a trip aloud. Be kind.');
    },
    [`${wire}: stream`]: async () => {
      const chunks = await call(async () => {
        const all = [];
        for await (const chunk of await fresh().stream('Count')) all.push(chunk);
        return all;
      });
      assert.equal(chunks.map((chunk) => chunk.text).join(''), counted);
      assert(chunks.filter((chunk) => chunk.text).length > 1);
      assert.equal(chunks.reduce((a, b) => a.concat(b)).usage_metadata.total_tokens, 15);
    },
    [`${wire}: format`]: async () => {
      assert.deepEqual(await call(() => fresh().withStructuredOutput(shape, { method: 'jsonSchema', strict: true }).invoke('Where is it warm?')), answer);
    },
    [`${wire}: images`]: async () => {
      const seen = await call(() => fresh().invoke([new HumanMessage({ content: [
        { type: 'text', text: 'What do you see?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
      ] })]));
      assert.equal(seen.text, `I see: ${pictureSeen}`);
    },
    [`${wire}: abort`]: async () => {
      const chat = fresh();
      const messages = [new HumanMessage('Take your time')];
      const aborted = new AbortController();
      let partial = '';
      await refused((e) => assert.match(`${e.name} ${e.message}`, /abort/i), async () => {
        for await (const chunk of await chat.stream(messages, { signal: aborted.signal })) {
          partial += chunk.text;
          if (partial.includes('3')) aborted.abort();
        }
        aborted.signal.throwIfAborted();
      });
      messages.push(new AIMessageChunk(partial), new HumanMessage('What did I say?'));
      assert.equal((await call(() => chat.invoke(messages))).text, 'You said: Take your time. ');
    },
    [`${wire}: errors`]: async () => {
      for (const status of [400, 503]) {
        const words = new RegExp(`The model says no with ${status}`);
        await refused((e) => assert.match(e.message, words), () => fresh().invoke(`Fail with ${status}`));
      }
      for (const text of ['Fail with 400', 'Break off']) {
        await refused((e) => assert(e), () => failed(() => streamed(fresh()).invoke(text)));
      }
      await refused((e) => assert.equal(e.status, 404), () => open({ ...more(), model: 'nobody' }).invoke('x'));
    },
  };
}

let sessions = 0;

await cases('@langchain/openai', {
  ...wireCases('chat', () => ({ useResponsesApi: false })),
  ...wireCases('chat in a session', () => ({
    useResponsesApi: false,
    configuration: { baseURL: base, defaultHeaders: { 'Heddle-Session': `langchain-${process.pid}-${sessions++}` } },
  })),
  ...wireCases('responses', () => ({ useResponsesApi: true })),
  ...wireCases('responses, not stored', () => ({ useResponsesApi: true, zdrEnabled: true })),
  'previous_response_id: turns': async () => {
    const chat = open({ useResponsesApi: true });
    const first = await call(() => chat.invoke('I am Ada'));
    const second = await call(() => streamed(chat).invoke('I weave', { previous_response_id: first.response_metadata.id }));
    const last = await call(() => chat.invoke('What did I say?', { previous_response_id: second.response_metadata.id }));
    assert.equal(last.text, 'You said: I am Ada / I weave. ');
  },
  'conversation: turns': async () => {
    const { id } = await new OpenAI({ baseURL: base, apiKey: 'anything' }).conversations.create();
    const chat = open({ useResponsesApi: true, modelKwargs: { conversation: id } });
    await call(() => chat.invoke('I am Ada'));
    await call(() => streamed(chat).invoke('I weave'));
    assert.equal((await call(() => chat.invoke('What did I say?'))).text, 'You said: I am Ada / I weave. ');
  },
});
