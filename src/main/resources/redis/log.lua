-- What happened to a session after a version, from its thread and its other changes, of one moment.
--
-- KEYS: 1 session, 2 thread, 3 changes
-- ARGV: 1 owner the session must have ('' for any), 2 version to go on from, 3 its tag, 4 most versions of
--   the thread, 5 bytes of messages, each with 1000 more than its body has, which an answer
--   has at most, but for its first one, 6 the thread's entry to go
--   on after, when an answer before this one ended inside a version; else ''
-- Returns: {1, now, {state, description, the running turn or nil}, tag of that version or nil, {thread entry, …},
--   {thread entry that follows them}, {change entry, …}, {the oldest change entry, if there is no tag},
--   1 if the thread's last entry is not the last of its version}
--   | {2, version, tag, 'deleted' or 'expired'} of a tombstone | {0, 'session-not-found'}
--
-- A position that is none of this history is told before anything is read: what follows it may be a whole
-- thread. All of the other changes are answered, because there are few and they are short. Of the
-- thread no version is torn, but the first one when it alone has more bytes; the entry that follows shows
-- whether the end of the last one is still there.
local call = redis.call
local s = call('HMGET', KEYS[1], 'p', 'd', 'v', 't', 'g', 'u', 'T')
if not s[1] then
  if not s[5] or (ARGV[1] ~= '' and ARGV[1] ~= s[6]) then return {0, 'session-not-found'} end
  return {2, s[3], s[4], s[5]}
end
local current, at, sum, owner = string.match(s[1], '^(%S+) (%d+) %d+ %d+ (%d+) %d+ %d+ %d+ %S+ %d+ %d+ (.*)$')
if ARGV[1] ~= '' and ARGV[1] ~= owner then return {0, 'session-not-found'} end
local clock = call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
local state = {s[1], s[2], s[7]}
local tag
if at == ARGV[2] then
  -- Nothing follows it.
  if current == ARGV[3] then return {1, now, state, current, {}, {}, {}, {}, 0} end
  tag = current
elseif at + 0 > ARGV[2] + 0 then
  -- Without '-n' the range is the whole version.
  local since = call('XRANGE', KEYS[3], ARGV[2], ARGV[2], 'COUNT', 1)[1]
  tag = since and since[2][2]
  if not tag then
    since = call('XRANGE', KEYS[2], ARGV[2], ARGV[2], 'COUNT', 1)[1]
    tag = since and string.match(since[2][2], '^%S+')
  end
end
if tag ~= ARGV[3] or at + 0 <= ARGV[2] + 0 then
  return {1, now, state, tag or false, {}, {}, {}, tag and {} or call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1), 0}
end
local after = ARGV[2] .. '-18446744073709551615'
local most, room = tonumber(ARGV[4]), tonumber(ARGV[5])
-- What is in one block is read whatever its size: few at a time where a block could be too much.
local few = 4
local block = sum + 0 > room and 1 or 32
local thread, follows, from, torn, full = {}, {}, '(' .. after, 0, false
local version, versions, bytes, whole = '', 0, 0, 0
if ARGV[6] ~= '' then
  from, version, versions = '(' .. ARGV[6], string.match(ARGV[6], '^%d+'), most
end
repeat
  local entries = call('XRANGE', KEYS[2], from, '+', 'COUNT', block)
  for i = 1, #entries do
    local entry = entries[i]
    local its = string.match(entry[1], '^%d+')
    if its ~= version then
      if versions == most or full then
        -- Only where it stands.
        entry[2][4] = ''
        follows[1] = entry
        break
      end
      version, versions, whole = its, versions + 1, #thread
    elseif full then
      torn = 1
      break
    end
    thread[#thread + 1] = entry
    -- A short message costs a script about as much as one of a kilobyte.
    bytes = bytes + #entry[2][4] + 1000
    full = bytes / #thread * (#thread + 1) > room
    from = '(' .. entry[1]
  end
  if #entries < block then break end
  if block <= few then block = #thread > 0 and bytes / #thread * few < room and few or 1 end
until follows[1] or torn == 1
if torn == 1 and whole > 0 then
  -- Of two versions or more the last one waits for the next answer.
  torn, follows[1] = 0, thread[whole + 1]
  follows[1][2][4] = ''
  for i = #thread, whole + 1, -1 do thread[i] = nil end
end
return {1, now, state, tag, thread, follows, call('XRANGE', KEYS[3], '(' .. after, '+'), {}, torn}
