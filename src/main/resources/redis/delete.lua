-- Deletes a session. On the tombstone of a delete it changes nothing.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 state, 7 checkpoints, 8 due,
--   9 turns that are due, [10 record]
-- ARGV: 1 to 6 as in part-retry, 7 change
-- Returns: as in part-retry; done also {state, random parts of its turns, each with a space after it}
-- #include part-retry
-- #include part-tomb
local gone = call('HMGET', KEYS[1], 'g', 'u', 'v', 't')
if gone[1] == 'deleted' then
  local asked = string.match(ARGV[2], '^[^\n]*\n[^\n]*\n(.+)$')
  if not asked or asked == gone[2] then return ended(gone[4], gone[3], format('%d', now), '') end
end
-- #include part-pass
-- #include part-session
-- #include part-announce
v = v + 1
local created, user = string.match(tail, '^ %d+ %S+ %d+ (%d+) (.*)$')
local state, turns = tomb('deleted', format('%d', v), ARGV[1], created, user)
announce(t, format('%d 0 0 0 %d %d', v, now, now), ARGV[7])
return {state, turns}
