-- Ends a session whose time has come, in this server's clock; or removes one left half built.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 state, 7 checkpoints, 8 due,
--   9 turns that are due
-- ARGV: 1 to 6 as in part-retry (2 and 3 are not used), 7 change
-- Returns: as in delete
--   | {0, 'version-conflict'} it is not its time; its due time is moved to the truth, and of one with a
--   running turn a little away, until that is ended
--   | {0, 'session-not-found'} nothing is there; its due time is removed
-- #include part-retry
-- #include part-pass
local s = call('HMGET', KEYS[1], 'p', 'x', 'n', 'xp', 'xv', 'xt', 'xg', 'xu', 'T')
if not s[1] and not s[2] then
  call('ZREM', KEYS[8], 'x:' .. ARGV[4])
  call('ZREM', KEYS[9], ARGV[4])
  return {0, 'session-not-found'}
end
local t, v, e, created, user = string.match(s[1] or s[4], '^(%S+) (%d+) %d+ %d+ %d+ (%d+) %d+ %d+ %S+ %d+ (%d+) (.*)$')
-- #include part-announce
-- #include part-tomb
-- #include part-keep
if s[2] then
  if now < s[3] + 0 then
    call('ZADD', KEYS[8], s[3], 'x:' .. ARGV[4])
    return {0, 'version-conflict'}
  end
  if s[5] then
    tomb(s[7], s[5], s[6], created, s[8])
  else
    call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
    call('ZREM', KEYS[8], 'x:' .. ARGV[4])
  end
  return ended(t, v, created, user)
end
if now < e + 0 then
  call('ZADD', KEYS[8], e, 'x:' .. ARGV[4])
  -- A due time is never after an end that the session had, and so comes before its keys' expiry: what
  -- a write could not move, and nobody asked for since, is moved now.
  lasting(s[1])
  return {0, 'version-conflict'}
end
if s[9] then
  call('ZADD', KEYS[8], format('%d', now + 10000), 'x:' .. ARGV[4])
  return {0, 'version-conflict'}
end
v = v + 1
local state, turns = tomb('expired', format('%d', v), ARGV[1], created, user)
announce(t, format('%d 0 0 0 %d %d', v, now, now), ARGV[7])
return {state, turns}
