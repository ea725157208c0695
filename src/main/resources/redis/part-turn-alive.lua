-- Part of the writes that compare the turn and nothing else: no holder, no status, no size, and while
-- one runs not even the session's end. Leaves what part-session leaves, and running, attempt, lease,
-- cancel, last, began, from and the rest of the running turn ('T' in part-turn-write), waiting and
-- ended.
local p, T, waiting, ended, gone, user = unpack(call('HMGET', KEYS[1], 'p', 'T', 'Q', 'E', 'g', 'u'))
local owner = ARGV[2] ~= '' and string.match(ARGV[2], '^[^\n]*\n[^\n]*\n(.*)$') or ''
if not p then
  call('ZREM', KEYS[8], ARGV[4])
  if not gone or (owner ~= '' and owner ~= user) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone}
end
local t, v, q, c, b, e, tail, l, w = string.match(p, '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) %d+( (%d+) (%S+) .*)$')
if owner ~= '' and owner ~= string.match(tail, '^ %d+ %S+ %d+ %d+ (.*)$') then return {0, 'session-not-found'} end
if not T and now >= e + 0 then return {0, 'session-expired'} end
local running, attempt, lease, cancel, last, began, from, rest
if T then
  running, attempt, lease, cancel, last, began, from, rest = string.match(T, '^(%S+) (%d+) (%d+) (%S) (%d+) (%S+) (%d+)( .*)$')
end
local least = (string.match(w, '^%a%+?/(%d+)/') or -10000) + 10000
