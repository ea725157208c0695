-- The session and one message.
--
-- KEYS: as in part-read
-- ARGV: 1 to 3 as in part-read, 4 place, 5 its tag, 6 message id
-- Returns: {1, now, session, {entry}} | {0, code}
-- #include part-read
-- #include part-entry
local found = find(KEYS[2], KEYS[3], ARGV[4], ARGV[5], ARGV[6])
if not found then return {0, 'message-not-found'} end
return {1, now, s, {found}}
