// What every provider of the AI SDK is called with.
import { APICallError, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { answer, assert, call, counted, picture, pictureSeen, refused, trip, weather } from './cases.mjs';

const schema = z.object({ city: z.string(), degrees: z.number() });
const png = Buffer.from(picture, 'base64');
const tools = {
  weather: tool({ inputSchema: z.object({ city: z.string() }), execute: ({ city }) => weather(city) }),
  book: tool({ inputSchema: z.object({ city: z.string() }), execute: ({ city }) => city }),
};

const streamed = async (options) => {
  const result = streamText({ ...options, onError: () => {} });
  const deltas = [];
  for await (const part of result.fullStream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'text-delta') deltas.push(part.text);
  }
  const [text, output, steps, usage, finishReason, { messages }] = await Promise.all([
    result.text, result.output, result.steps, result.totalUsage, result.finishReason, result.response]);
  assert.equal(deltas.slice(-text.length).join('').endsWith(text), true);
  return { text, output, steps, usage, finishReason, response: { messages }, deltas };
};

globalThis.AI_SDK_LOG_WARNINGS = false;

/**
 * With the history that the client keeps itself. Some clients know no images of tools, and one reads the words of an error
 * only if it names a parameter.
 */
export function historyCases(wire, { model, nobody, ...provider }, { images = true, words = true } = {}) {
  const options = { model, ...provider };
  return {
    [`${wire}: turns`]: async () => {
      for (const ask of [generateText, streamed]) {
        const messages = [{ role: 'user', content: 'I am Ada' }];
        const first = await call(() => ask({ ...options, instructions: 'Be kind.', messages }));
        assert.equal(first.text, 'Noted: I am Ada');
        messages.push(...first.response.messages, { role: 'user', content: 'What did I say?' });
        const second = await call(() => ask({ ...options, instructions: 'Be kind.', messages }));
        assert.equal(second.text, 'You said: I am Ada. Be kind.');
      }
    },
    [`${wire}: tools`]: async () => {
      for (const ask of [generateText, streamed]) {
        for (const question of ['Plan a trip', 'Plan a trip aloud']) {
          const messages = [{ role: 'user', content: question }];
          const made = await call(() => ask({ ...options, messages, tools, stopWhen: isStepCount(8) }));
          assert.match(made.text, trip);
          assert.deepEqual(made.steps.map((step) => step.toolCalls.length), [2, 1, 0]);
          messages.push(...made.response.messages, { role: 'user', content: 'What did I say?' });
          const next = await call(() => ask({ ...options, messages, tools }));
          assert.equal(next.text, `You said: ${question}. `);
        }
      }
    },
    [`${wire}: stream`]: async () => {
      const made = await call(() => streamed({ ...options, prompt: 'Count' }));
      assert.equal(made.deltas.join(''), counted);
      assert(made.deltas.length > 1);
      assert.equal(made.finishReason, 'stop');
      assert.equal(made.usage.totalTokens, 15);
    },
    [`${wire}: format`]: async () => {
      for (const ask of [generateText, streamed]) {
        const made = await call(() => ask({ ...options, prompt: 'Where is it warm?', output: Output.object({ schema }) }));
        assert.deepEqual(made.output, answer);
      }
    },
    [`${wire}: images`]: async () => {
      const seen = await call(() => generateText({ ...options, messages: [{
        role: 'user', content: [{ type: 'text', text: 'What do you see?' }, { type: 'file', mediaType: 'image/png', data: png }],
      }] }));
      assert.equal(seen.text, `I see: ${pictureSeen}`);
      if (!images) return;
      const look = tool({
        inputSchema: z.object({}),
        execute: () => 'a picture',
        toModelOutput: () => ({ type: 'content', value: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: picture } }] }),
      });
      const shown = await call(() => generateText({ ...options, prompt: 'Look around', tools: { look }, stopWhen: isStepCount(4) }));
      assert.equal(shown.text, `The tool shows: ${pictureSeen}`);
    },
    [`${wire}: abort`]: async () => {
      const messages = [{ role: 'user', content: 'Go on' }];
      const aborted = new AbortController();
      const partial = await call(async () => {
        let text = '';
        const parts = [];
        for await (const part of streamText({ ...options, messages, abortSignal: aborted.signal }).fullStream) {
          parts.push(part.type);
          if (part.type === 'text-delta') text += part.text;
          if (text.includes('3')) aborted.abort();
        }
        assert.equal(parts.at(-1), 'abort');
        return text;
      });
      messages.push({ role: 'assistant', content: partial }, { role: 'user', content: 'What did I say?' });
      assert.equal((await call(() => generateText({ ...options, messages }))).text, 'You said: Go on. ');
    },
    [`${wire}: errors`]: async () => {
      for (const ask of [generateText, streamed]) {
        await refused((e) => {
          const answered = APICallError.isInstance(e);
          if (answered) assert.deepEqual([e.statusCode, e.isRetryable], [400, false]);
          if (words || !answered) assert.match(e.message, /The model says no with 400/);
        }, () => ask({ ...options, prompt: 'Fail with 400' }));
        await refused((e) => {
          if (words) assert.match(String(e.message ?? JSON.stringify(e)), /The model says no with 503/);
        }, () =>
          ask({ ...options, prompt: 'Fail with 503', maxRetries: 0 }));
      }
      await refused((e) => assert(e), () => streamed({ ...options, prompt: 'Break off', maxRetries: 0 }));
      await refused((e) => {
        assert.equal(e.statusCode, 404);
        assert.match(e.message, /nobody/);
      }, () => generateText({ ...options, model: nobody, prompt: 'x' }));
    },
  };
}

/** With what the server keeps: link tells how a call goes on after what the one before gave. */
export function keptCases(wire, { model }, open) {
  return {
    [`${wire}: turns`]: async () => {
      const link = await open();
      const first = await call(() => generateText({ model, prompt: 'I am Ada', ...link() }));
      assert.equal(first.text, 'Noted: I am Ada');
      const made = streamText({ model, prompt: 'I weave', ...link(first) });
      assert.equal(await call(() => made.text), 'Noted: I weave');
      const second = { providerMetadata: await made.providerMetadata };
      const last = await call(() => generateText({ model, prompt: 'What did I say?', ...link(second) }));
      assert.equal(last.text, 'You said: I am Ada / I weave. ');
    },
    [`${wire}: tools`]: async () => {
      const link = await open();
      for (const ask of [generateText, streamed]) {
        for (const prompt of ['Plan a trip', 'Plan a trip aloud']) {
          const made = await call(() => ask({
            model, prompt, tools, stopWhen: isStepCount(8), ...link(),
            prepareStep: ({ steps }) => (steps.length ? link(steps.at(-1)) : {}),
          }));
          assert.match(made.text, trip);
          assert.equal(made.steps.length, 3);
        }
      }
    },
    [`${wire}: abort`]: async () => {
      const link = await open();
      const aborted = new AbortController();
      const first = await call(() => generateText({ model, prompt: 'I am Ada', ...link() }));
      await call(async () => {
        for await (const part of streamText({ model, prompt: 'Take your time', ...link(first), abortSignal: aborted.signal }).fullStream) {
          if (part.type === 'text-delta') aborted.abort();
        }
        assert(aborted.signal.aborted);
      });
      const next = await call(() => generateText({ model, prompt: 'What did I say?', ...link(first) }));
      assert.match(next.text, /^You said: I am Ada( \/ Take your time)?\. $/);
    },
  };
}
