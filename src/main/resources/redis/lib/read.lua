-- The start of every read: is the session there and the owner's, and is it at the position asked for.
-- KEYS: session, thread, ids, changes
-- ARGV: owner ('' for any), least_version (that must be reached, '' for any), least_tag
-- Returns: {1, now, {state, turn, description}, more…} | {0, code}
-- Leaves: call, KEYS, ARGV, key_session, key_thread, key_ids, key_changes, owner, least_version, least_tag, clock, now, session, packed,
--   what owned leaves
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local key_session, key_thread, key_ids, key_changes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local owner, least_version, least_tag = ARGV[1], ARGV[2], ARGV[3]
-- #include clock
local session = call('HMGET', key_session, 'p', 'T', 'd')
local packed = session[1]
-- #include owned
if now >= expires_at + 0 then return {0, 'session-expired'} end
if session[2] then session[2] = string.match(session[2], '^%S+') end
if least_version ~= '' then
  local asked, current = tonumber(least_version), tonumber(version)
  if asked > current then return {0, 'position-lost'} end
  if asked == current then
    if least_tag ~= tag then return {0, 'position-lost'} end
  else
    -- In the thread or among the changes; trimmed from both, nobody can tell, and it is old enough.
    local entry = call('XRANGE', key_thread, least_version, least_version, 'COUNT', 1)[1]
    local its = entry and string.match(entry[2][2], '^%S+')
    if not entry then
      entry = call('XRANGE', key_changes, least_version, least_version, 'COUNT', 1)[1]
      its = entry and entry[2][2]
    end
    if its and its ~= least_tag then return {0, 'position-lost'} end
  end
end
