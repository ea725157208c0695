import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { historyCases, keptCases } from './ai-cases.mjs';
import { assert, base, call, cases, model } from './cases.mjs';

const openai = createOpenAI({ baseURL: base, apiKey: 'anything' });
const responses = { model: openai.responses(model), nobody: openai.responses('nobody') };
const chat = { model: openai.chat(model), nobody: openai.chat('nobody') };
const client = new OpenAI({ baseURL: base, apiKey: 'anything' });

await cases('@ai-sdk/openai', {
  ...historyCases('responses', responses),
  ...historyCases('responses, not stored', { ...responses, providerOptions: { openai: { store: false } } }),
  ...historyCases('chat', chat, { images: false }),
  ...keptCases('conversation', responses, async () => {
    const { id } = await client.conversations.create();
    return () => ({ providerOptions: { openai: { conversation: id } } });
  }),
  ...keptCases('previousResponseId', responses, async () => (before) => (before
    ? { providerOptions: { openai: { previousResponseId: before.providerMetadata.openai.responseId } } } : {})),
  'reasoning: turns': async () => {
    for (const options of [responses, { ...responses, providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'] } } }]) {
      const messages = [{ role: 'user', content: 'Think first' }];
      const first = await call(() => generateText({ ...options, messages }));
      messages.push(...first.response.messages, { role: 'user', content: 'What did I say?' });
      assert.equal((await call(() => generateText({ ...options, messages }))).text, 'You said: Think first. ');
    }
  },
});
