import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';
import { historyCases } from './ai-cases.mjs';
import { assert, base, call, cases, model } from './cases.mjs';

const provider = (more) => createOpenAICompatible({
  name: 'heddle', baseURL: base, apiKey: 'anything', includeUsage: true, supportsStructuredOutputs: true, ...more,
});
const chat = { model: provider()(model), nobody: provider()('nobody') };

await cases('@ai-sdk/openai-compatible', {
  ...historyCases('chat', chat, { images: false }),
  'chat in a session: turns': async () => {
    const own = provider({ headers: { 'Heddle-Session': `ai-${process.pid}` } })(model);
    const messages = [];
    for (const content of ['I am Ada', 'I weave', 'What did I say?']) {
      messages.push({ role: 'user', content });
      const made = await call(() => generateText({ model: own, messages }));
      messages.push(...made.response.messages);
    }
    assert.equal(messages.at(-1).content[0].text, 'You said: I am Ada / I weave. ');
  },
  'reasoning: turns': async () => {
    const messages = [{ role: 'user', content: 'Think first' }];
    const first = await call(() => generateText({ ...chat, messages }));
    assert.equal(first.reasoningText, 'Let me think.');
    messages.push(...first.response.messages, { role: 'user', content: 'What did I say?' });
    assert.equal((await call(() => generateText({ ...chat, messages }))).text, 'You said: Think first. ');
  },
});
