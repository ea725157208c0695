-- What happened to a session after a version, from its thread and its other changes, of one moment.
-- KEYS: session, thread, changes
-- ARGV: owner ('' for any), since_version (to go on from), since_tag, most (versions of the thread), room (bytes of messages, each with 1000
--   more than its body has, which an answer has at most, but for its first one), after_entry (the thread's entry to go on after, when an
--   answer before this one ended inside a version; else '')
-- Returns: {1, now, {state, description, the running turn or nil}, tag of that version or nil, {thread entry, …},
--   {thread entry that follows them}, {change entry, …}, {the oldest change entry, if there is no tag},
--   1 if the thread's last entry is not the last of its version}
--   | {2, version, tag, 'deleted' or 'expired'} of a tombstone | {0, 'session-not-found'}
--
-- A position that is none of this history is told before anything is read: what follows it may be a whole thread. All of the other changes
-- are answered, because there are few and they are short. Of the thread no version is torn, but the first one when it alone has more bytes;
-- the entry that follows shows whether the end of the last one is still there.
local call = redis.call
local key_session, key_thread, key_changes = unpack(KEYS)
local owner, since_version, since_tag, most, room, after_entry = unpack(ARGV)
local packed, description, gone_version, gone_tag, gone, former, running = unpack(call('HMGET', key_session, 'p', 'd', 'v', 't', 'g', 'u', 'T'))
if gone and not packed and (owner == '' or owner == former) then return {2, gone_version, gone_tag, gone} end
-- #include owned
-- #include clock
local session, found = {packed, description, running}, nil
if version == since_version then
  -- Nothing follows it.
  if tag == since_tag then return {1, now, session, tag, {}, {}, {}, {}, 0} end
  found = tag
elseif version + 0 > since_version + 0 then
  -- Without '-n' the range is the whole version.
  local since = call('XRANGE', key_changes, since_version, since_version, 'COUNT', 1)[1]
  found = since and since[2][2]
  if not found then
    since = call('XRANGE', key_thread, since_version, since_version, 'COUNT', 1)[1]
    found = since and string.match(since[2][2], '^%S+')
  end
end
if found ~= since_tag or version + 0 <= since_version + 0 then
  return {1, now, session, found or false, {}, {}, {}, found and {} or call('XRANGE', key_changes, '-', '+', 'COUNT', 1), 0}
end
local after = since_version .. '-18446744073709551615'
most, room = tonumber(most), tonumber(room)
-- What is in one block is read whatever its size: few at a time where a block could be too much.
local few = 4
local block = bytes + 0 > room and 1 or 32
local thread, follows, from, torn, full = {}, {}, '(' .. after, 0, false
local current, versions, size, whole = '', 0, 0, 0
if after_entry ~= '' then
  from, current, versions = '(' .. after_entry, string.match(after_entry, '^%d+'), most
end
repeat
  local entries = call('XRANGE', key_thread, from, '+', 'COUNT', block)
  for i = 1, #entries do
    local entry = entries[i]
    local its = string.match(entry[1], '^%d+')
    if its ~= current then
      if versions == most or full then
        -- Only where it stands.
        entry[2][4] = ''
        follows[1] = entry
        break
      end
      current, versions, whole = its, versions + 1, #thread
    elseif full then
      torn = 1
      break
    end
    thread[#thread + 1] = entry
    -- A short message costs a script about as much as one of a kilobyte.
    size = size + #entry[2][4] + 1000
    full = size / #thread * (#thread + 1) > room
    from = '(' .. entry[1]
  end
  if #entries < block then break end
  if block <= few then block = #thread > 0 and size / #thread * few < room and few or 1 end
until follows[1] or torn == 1
if torn == 1 and whole > 0 then
  -- Of two versions or more the last one waits for the next answer.
  torn, follows[1] = 0, thread[whole + 1]
  follows[1][2][4] = ''
  for i = #thread, whole + 1, -1 do thread[i] = nil end
end
return {1, now, session, found, thread, follows, call('XRANGE', key_changes, '(' .. after, '+'), {}, torn}
