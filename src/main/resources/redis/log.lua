-- What happened to a session after a version, from its thread and its other changes, of one moment.
--
-- KEYS: 1 session, 2 thread, 3 changes
-- ARGV: 1 owner the session must have ('' for any), 2 version to go on from, 3 most versions of the
--   thread, 4 bytes of bodies after which no further version of it is begun
-- Returns: {1, now, {state, description, the running turn or nil}, tag of that version or nil, {thread entry, …},
--   {thread entry that follows them}, {change entry, …}, {the oldest change entry, if there is no tag}}
--   | {2, version, tag, 'deleted' or 'expired'} of a tombstone | {0, 'session-not-found'}
--
-- All of the other changes are answered, because there are few and they are short. Of the thread no
-- version is torn; the entry that follows shows whether the end of the last one is still there.
local call = redis.call
local s = call('HMGET', KEYS[1], 'p', 'd', 'v', 't', 'g', 'u', 'T')
if not s[1] then
  if not s[5] or (ARGV[1] ~= '' and ARGV[1] ~= s[6]) then return {0, 'session-not-found'} end
  return {2, s[3], s[4], s[5]}
end
if ARGV[1] ~= '' and ARGV[1] ~= string.match(s[1], '^%S+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %S+ %d+ %d+ (.*)$') then
  return {0, 'session-not-found'}
end
local clock = call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
-- Without '-n' the range is the whole version.
local since = call('XRANGE', KEYS[3], ARGV[2], ARGV[2], 'COUNT', 1)[1]
local tag = since and since[2][2]
if not tag then
  since = call('XRANGE', KEYS[2], ARGV[2], ARGV[2], 'COUNT', 1)[1]
  tag = since and string.match(since[2][2], '^%S+')
end
local after = ARGV[2] .. '-18446744073709551615'
local most, room = tonumber(ARGV[3]), tonumber(ARGV[4])
local thread, follows, from, version, versions, bytes = {}, {}, '(' .. after, '', 0, 0
repeat
  local entries = call('XRANGE', KEYS[2], from, '+', 'COUNT', 32)
  for i = 1, #entries do
    local entry = entries[i]
    local its = string.match(entry[1], '^%d+')
    if its ~= version then
      if versions == most or bytes >= room then
        follows[1] = entry
        break
      end
      version, versions = its, versions + 1
    end
    thread[#thread + 1] = entry
    bytes = bytes + #entry[2][4]
    from = '(' .. entry[1]
  end
until follows[1] or #entries < 32
local oldest = tag and {} or call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
return {1, now, {s[1], s[2], s[7]}, tag or false, thread, follows, call('XRANGE', KEYS[3], '(' .. after, '+'), oldest}
