-- Ends a session whose time has come, in this server's clock; or removes one left half built.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 waiting turns, 7 state,
--   8 checkpoints, 9 due
-- ARGV: 1 to 6 as in part-retry (2 and 3 are not used), 7 change
-- Returns: as in part-retry
--   | {0, 'version-conflict'} it is not its time; its due time is moved to the truth
--   | {0, 'session-not-found'} nothing is there; its due time is removed
-- #include part-retry
local s = call('HMGET', KEYS[1], 'p', 'x', 'n', 'xp', 'xv', 'xt', 'xg', 'xu')
if not s[1] and not s[2] then
  call('ZREM', KEYS[9], 'x:' .. ARGV[4])
  return {0, 'session-not-found'}
end
local t, v, e, created, user = string.match(s[1] or s[4], '^(%S+) (%d+) %d+ %d+ %d+ (%d+) %d+ %d+ %S+ %d+ (%d+) (.*)$')
-- #include part-announce
-- #include part-tomb
if s[2] then
  if now < s[3] + 0 then
    call('ZADD', KEYS[9], s[3], 'x:' .. ARGV[4])
    return {0, 'version-conflict'}
  end
  if s[5] then
    tomb(s[7], s[5], s[6], created, s[8])
  else
    call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
    call('ZREM', KEYS[9], 'x:' .. ARGV[4])
  end
  return ended(t, v, created, user)
end
if now < e + 0 then
  call('ZADD', KEYS[9], e, 'x:' .. ARGV[4])
  return {0, 'version-conflict'}
end
v = v + 1
local state = tomb('expired', format('%d', v), ARGV[1], created, user)
announce(t, format('%d 0 0 0 %d %d', v, now, now), ARGV[7])
return state
