-- Part of every write: the clock, and the idempotency record, which is looked at before all else.
-- Everything is a local at the top: no table and no closure is made for a write, and no global looked up
-- twice.
--
-- KEYS of every write: 1 session hash, 2 partition hash, then the script's own,
--   last the idempotency record, if there is one.
-- ARGV of every write: 1 tag, 2 terms: '' for none, else three lines: the lock token, the positions of If-Match
--   as ' v-tag v-tag ', with a ! before it those of If-None-Match, the owner the session must have, each of them empty for none; 3 the idempotency key: '' for none, else 'hash operation' with the hash of the
--   request's body and the operation that holds the key, which is empty for a call of one step,
--   4 tenant/id, 5 channel, 6 publish command, then the script's own.
-- Returns of every write: the state, as a string, which costs less than a table; for create and open
--   {state, description}
--   | {2, 'version-tag id id …'} a replay
--   | {0, code, more…} refused, nothing written but perhaps the end of a holder whose time was over
--   | {3} an ended session or a half-built one must be swept first
--
-- State, one field of the session hash because reading, formatting and writing ten is what an append
-- would mostly do: 'tag version lastSeq messageCount bytes expiresAt updatedAt ttl status keysUntil
-- createdAt owner'. TTL in seconds; status a or c, with a + while a turn runs, and while somebody holds
-- the session 'a/until/token'; keysUntil is when the keys' own expiry is; owner is all that follows, or nothing. It is
-- in 'p', and in 'xp' while the session is built; a tombstone has none.
--
-- Whole numbers by '%d': exact to 2^53 where a long has 64 bits, which schema.lua makes sure of, and a
-- quarter of the price of '%.0f'.
--
-- Record: 'D <body> <version-tag> <message id> …' done, 'P <body> <operation>' in progress. A message whose
-- id is Heddle's is '-', and one that a client called that is '~-'.
local call, format, KEYS, ARGV = redis.call, string.format, KEYS, ARGV
local clock = call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
local body, holds = ARGV[3], ''
if body ~= '' then
  body, holds = string.match(body, '^(%S+) (.*)$')
  local record = call('GET', KEYS[#KEYS])
  if record then
    local kind, known, rest = string.match(record, '^(%u) (%S+) (.*)$')
    if known ~= body then return {0, 'key-reused'} end
    if kind == 'D' then return {2, rest} end
    if rest ~= holds then return {0, 'key-in-progress'} end
  end
end
