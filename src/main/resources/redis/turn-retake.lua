-- Begins the attempt after one whose lease has ended and that has said nothing.
--
-- KEYS and ARGV: 1 to 8 as in part-turn-write; ARGV 9 the dead attempt, 10 lease in milliseconds
-- Returns: {state, turn}; no version is made | {2, …} a replay; {0, code}: turn-running while the lease
--   has not ended, turn-ended when the turn is not in that attempt, has said something or was
--   cancelled
-- A refusal moves the session's due time to the truth. A full Redis refuses: what a model said could
-- not be kept.
-- #include part-retry
-- #include part-room
-- #include part-turn-alive
-- #include part-turn-write
local full = room()
-- #include part-pass
if running ~= ARGV[7] or attempt ~= ARGV[9] then
  if running == ARGV[7] and began == ARGV[1] then return {p, running} end
  if running then
    due(lease)
  elseif not waiting or waiting == '' then
    call('ZREM', KEYS[8], ARGV[4])
  end
  return {0, 'turn-ended'}
end
if now < lease + 0 then
  due(lease)
  return {0, 'turn-running', running}
end
if last ~= '0' or cancel ~= '-' then return {0, 'turn-ended'} end
if full then return full end
local ends = now + ARGV[10]
call('HSET', KEYS[1], 'T', format('%s %d %d - 0 %s %s%s %d ', running, attempt + 1, ends, ARGV[1], from, string.match(rest, '^ %d+'), ends))
due(ends)
if e + 0 < ends + 10000 then
  local head, rest = string.match(p, '^(%S+ %d+ %d+ %d+ %d+ )%d+( .*)$')
  p = head .. format('%d', ends + 10000) .. rest
  call('HSET', KEYS[1], 'p', p)
  p = lasting(p)
end
remember(v, t, '')
return {p, running}
