-- Deletes one message, every message after one, or the whole thread.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, [6 record]
-- ARGV: 1 to 6 as in part-retry, 7 'one', 'after' or 'all', 8 place, 9 its tag, 10 message id,
--   11 change
-- Returns: as in append | {0, 'message-not-found'} | {0, 'turn-running', turn} it would take away
--   what the running turn stands on
-- #include part-retry
-- #include part-session
-- #include part-announce
-- #include part-keep
-- #include part-entry
local found, place
if ARGV[7] ~= 'all' then
  found, place = find(KEYS[3], KEYS[4], ARGV[8], ARGV[9], ARGV[10])
  if not found then return {0, 'message-not-found'} end
end
if turn and ARGV[7] ~= 'one' then
  -- Its input is what that version added, as far as it is still there.
  local version = string.match(call('HGET', KEYS[1], 'T'), ' (%d+) %d+ %d+ $')
  local after = place and string.match(place, '^%d+') + 0
  local from = after == version + 0 and '(' .. place or version
  if not place or after <= version + 0 and #call('XRANGE', KEYS[3], from, version, 'COUNT', 1) > 0 then
    return {0, 'turn-running', turn}
  end
end
if ARGV[7] == 'all' then
-- #include part-moving
end
v = v + 1
e = now + l * 1000
if e < least then e = least end
if ARGV[7] == 'one' then
  call('XDEL', KEYS[3], place)
  c = c - 1
  b = b - #found[2][4]
elseif ARGV[7] == 'all' then
  -- Not DEL: an append declares these keys and must find them while a slot moves.
  call('XTRIM', KEYS[3], 'MAXLEN', 0)
  call('UNLINK', KEYS[4])
  call('HSET', KEYS[4], '~', '')
  call('PEXPIREAT', KEYS[4], string.match(tail, '^ %d+ %S+ (%d+)'))
  c, b = 0, 0
else
  repeat
    local entries = call('XRANGE', KEYS[3], '(' .. place, '+', 'COUNT', 500)
    local ids = {}
    for i = 1, #entries do
      ids[i] = entries[i][1]
      b = b - #entries[i][2][4]
    end
    if #ids > 0 then call('XDEL', KEYS[3], unpack(ids)) end
    c = c - #ids
  until #ids < 500
end
local line = format('%d %s %d %d %d %d', v, q, c, b, e, now)
local state = ARGV[1] .. ' ' .. line .. tail
call('HSET', KEYS[1], 'p', state)
state = lasting(state)
call('XADD', KEYS[5], 'MAXLEN', 256, format('%d-0', v), 't', ARGV[1], 'z', format('%d', now), 'c', ARGV[11])
announce(t, line, ARGV[11])
return turn and {state, turn} or state
