-- Takes a turn out of the queue and ends it; or asks the owner of a running one to end it.
--
-- KEYS and ARGV: 1 to 8 as in part-turn-write; ARGV 9 'k' or 'r' as in turn-begin, '' for one that must
--   be waiting, 10 status, 11 end, 12 head of the change, 13 live channel
-- Returns: {state, the running turn or ''}; of a running one no version is made | {2, …} a replay
--   | {0, code}: turn-ended, turn-not-found, turn-running
-- #include part-turn-mine
-- #include part-retry
-- #include part-pass
local known = call('HGET', KEYS[6], 'u')
-- #include part-turn-alive
-- #include part-turn-write
if now >= e + 0 then return {0, 'session-expired'} end
if running == ARGV[7] then
  if ARGV[9] == '' then return {0, 'turn-running', running} end
  if cancel ~= 'r' then
    call('HSET', KEYS[1], 'T', running .. ' ' .. attempt .. ' ' .. lease .. ' ' .. ARGV[9] .. string.match(T, '^%S+ %d+ %d+ %S(.*)$'))
  end
  call(ARGV[6], ARGV[13], '{"turn":"' .. running .. '","cancel":true}')
  remember(v, t, '')
  return {p, running}
end
-- A record of an earlier session of this id is none of this one's.
if known ~= string.match(tail, '^ %d+ %S+ %d+ (%d+)') then return {0, 'turn-not-found'} end
local at = place(waiting, ARGV[8])
if not at then return {0, 'turn-ended'} end

local version, stamp = format('%d', v + 1), format('%d', now)
e = now + l * 1000
if e < least then e = least end
if running and e < lease + 10000 then e = lease + 10000 end
waiting = string.sub(waiting, 1, 17 * at - 17) .. string.sub(waiting, 17 * at + 1)
call('HSET', KEYS[1], 'Q', waiting)
if not running and waiting == '' then call('ZREM', KEYS[8], ARGV[4]) end
for i = 1, call('HGET', KEYS[6], 'n') + 0 do
  call('HDEL', KEYS[6], format('i%d', i), format('d%d', i))
end
local state = tell(version, stamp, ARGV[12], 0, ' ', {})
call('HSET', KEYS[6], 'w', state, 's', ARGV[10], 'a', 0, 'e', stamp, 'j', ARGV[11], 'o', version .. '-' .. ARGV[1])
leave(ended)
remember(version, ARGV[1], '')
return {state, running or ''}
