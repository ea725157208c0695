-- Adds messages to a session that is being built. Makes no version and publishes nothing.
-- KEYS: @write, thread, ids, record?
-- ARGV: @write (only retry is used), max_bytes, added_bytes (of all bodies and client ids), build, [id, body, millis (its time)]*
-- Returns: as write | {0, 'session-not-found'} when the build is over
-- #include write
local key_thread, key_ids = KEYS[3], KEYS[4]
local max_bytes, added_bytes, build = unpack(ARGV, 7, 9)
-- #include retry
local packed, building = unpack(call('HMGET', key_session, 'xp', 'x'))
if building ~= build then return {0, 'session-not-found'} end
-- Entries carry the build's tag, not this call's: the whole build is one version.
-- #include parse
-- #include parse_rest
bytes = bytes + added_bytes
if bytes > max_bytes + 0 then return {0, 'session-too-large'} end
local ids
for i = 10, #ARGV, 3 do
  local id, text, entry = ARGV[i], ARGV[i + 1], version .. '-' .. last_seq
  stamp, last_seq, count = ARGV[i + 2], format('%d', last_seq + 1), count + 1
  -- #include add_message
end
-- #include repack
call('HSET', key_session, 'xp', state, 'n', format('%d', now + BUILD_MILLIS))
return state
