-- Part of every write: the clock, and the idempotency record, which is looked at before all else.
-- Everything is a local at the top: no table and no closure is made for a write.
--
-- KEYS of every write: 1 session hash, 2 partition hash, then the script's own,
--   last the idempotency record, if there is one.
-- ARGV of every write: 1 tag, 2 owner the session must have ('' for any), 3 lock token ('' for none),
--   4 positions of If-Match as ' v-tag v-tag ' ('' for any), 5 tenant/id, 6 channel, 7 publish command,
--   8 hash of the request's body ('' without an idempotency key), 9 operation that holds the key
--   ('' for a call of one step), then the script's own.
-- Returns of every write: {1, version, lastSeq, messageCount, bytes, expiresAt, updatedAt, createdAt,
--   1 when the keys' own expiry must be moved, the owner or ''; for create, open and update the description}
--   | {2, 'version-tag id id …'} a replay
--   | {0, code, more…} refused, nothing written but perhaps the end of a holder whose time was over
--   | {3} an ended session or a half-built one must be swept first
--
-- Record: 'D <body> <version-tag> <message id> …' done, 'P <body> <operation>' in progress.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[8] ~= '' then
  local record = redis.call('GET', KEYS[#KEYS])
  if record then
    local kind, body, rest = string.match(record, '^(%u) (%S+) (.*)$')
    if body ~= ARGV[8] then return {0, 'key-reused'} end
    if kind == 'D' then return {2, rest} end
    if rest ~= ARGV[9] then return {0, 'key-in-progress'} end
  end
end
