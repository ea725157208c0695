-- The arguments of every write. Everything is a local at the top: no table and no closure is made for a write, and no global
-- looked up twice.
-- KEYS: session, partition
-- ARGV: new_tag, terms ('' or three lines, each empty for none: the lock token; the positions of If-Match as ' v-tag v-tag ', with a
--   ! before it those of If-None-Match; the owner the session must have), retry ('' or 'hash operation': the hash of the request's
--   body and the operation that holds the idempotency key, empty for a call of one step), path, channel, publish
-- Returns: the state, as a string, which costs less than a table; for create and open {state, description}
--   | {2, 'version-tag id id …'} a replay | {3} an ended session or a half-built one must be swept first
--   | {0, code, more…} refused, nothing written but perhaps the end of a holder whose time was over
-- Leaves: call, format, KEYS, ARGV, key_session, key_partition, new_tag, terms, retry, path, channel, publish
local call, format, KEYS, ARGV = redis.call, string.format, KEYS, ARGV
local key_session, key_partition = KEYS[1], KEYS[2]
local new_tag, terms, retry, path, channel, publish = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
