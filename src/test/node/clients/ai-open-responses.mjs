import { createOpenResponses } from '@ai-sdk/open-responses';
import { historyCases } from './ai-cases.mjs';
import { base, cases, model } from './cases.mjs';

const provider = createOpenResponses({ name: 'heddle', url: `${base}/responses`, apiKey: 'anything' });

await cases('@ai-sdk/open-responses', historyCases('responses', { model: provider(model), nobody: provider('nobody') }, { words: false }));
