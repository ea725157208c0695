-- Replaces the state document and keeps it as a checkpoint; or saves an older checkpoint's again.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 state, 5 checkpoints, [6 record]
-- ARGV: 1 to 6 as in part-retry, 7 document ('' to restore), 8 version of the checkpoint to restore
--   ('' for the newest), 9 its tag, 10 most checkpoints, 11 most bytes of them, 12 change
-- Returns: as in append
--   | {0, 'checkpoint-not-found'} | {0, 'turn-running', turn} when an older one would be restored
-- #include part-retry
-- #include part-session
-- #include part-announce
-- #include part-keep
local document = ARGV[7]
if document == '' then
  if turn then return {0, 'turn-running', turn} end
  local found
  if ARGV[8] == '' then
    found = call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
  else
    found = call('XRANGE', KEYS[5], ARGV[8] .. '-0', ARGV[8] .. '-0')[1]
    if found and found[2][2] ~= ARGV[9] then found = nil end
  end
  if not found then return {0, 'checkpoint-not-found'} end
  document = found[2][6]
end
v = v + 1
e = now + l * 1000
if e < least then e = least end
local version, stamp = format('%d', v), format('%d', now)
local line = format('%s %s %s %s %d %s', version, q, c, b, e, stamp)
local state = ARGV[1] .. ' ' .. line .. tail
local kept = tonumber(call('HGET', KEYS[4], 'b') or 0) + #document
call('XADD', KEYS[5], version .. '-0', 't', ARGV[1], 'z', stamp, 'b', document)
local count = call('XLEN', KEYS[5])
while count > 1 and (count > tonumber(ARGV[10]) or kept > tonumber(ARGV[11])) do
  local oldest = call('XRANGE', KEYS[5], '-', '+', 'COUNT', 1)[1]
  kept = kept - #oldest[2][6]
  call('XDEL', KEYS[5], oldest[1])
  count = count - 1
end
call('HSET', KEYS[4], 'd', document, 'v', version, 't', ARGV[1], 'z', stamp, 'b', format('%d', kept))
call('HSET', KEYS[1], 'p', state)
state = lasting(state)
call('XADD', KEYS[3], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', stamp, 'c', ARGV[12])
k = string.match(state, '^%S+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ %S+ (%d+)')
call('PEXPIREAT', KEYS[4], k)
call('PEXPIREAT', KEYS[5], k)
announce(t, line, ARGV[12])
return turn and {state, turn} or state
