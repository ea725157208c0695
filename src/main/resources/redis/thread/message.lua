-- The session and one message.
-- KEYS: @read
-- ARGV: @read, place, mark (its tag), id
-- Returns: {1, now, session, {entry}} | {0, code}
-- #include read
local place, mark, id = unpack(ARGV, 4, 6)
-- #include entry
local found = find(place, mark, id)
if not found then return {0, 'message-not-found'} end
return {1, now, session, {found}}
