-- Counts what was used in the place of what was reserved, once.
-- KEYS: mark (of the settlement), counter* (of the reservation, all of one subject, as reserve describes them)
-- ARGV: id (of the reservation), used, reserved, mark_millis (the mark lives), [window (the name of the reservation's, '' when nobody knows
--   whether it was counted), length (milliseconds of it)]*
-- Returns: {0} when it was settled before, else {1, for each counter what was added to it}
--
-- A reservation is open in the window it was counted in and in no other: that is what says which window runs, and that it was not settled. The
-- mark says so to those who come in a later window.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local key_mark, key_first, id, used, reserved, mark_millis = KEYS[1], KEYS[2], ARGV[1], ARGV[2] + 0, ARGV[3] + 0, ARGV[4]
-- Changes nothing; it passes on a full Redis, and with it what follows.
if key_first then call('HDEL', key_first, '~') end
if not call('SET', key_mark, '', 'PX', mark_millis, 'NX') then return {0} end
local answer = {1}
for i = 2, #KEYS do
  local key, window, length, by = KEYS[i], ARGV[2 * i + 1], ARGV[2 * i + 2], 0
  local seen = call('HMGET', key, 'window', id, 'count')
  if seen[2] then
    by = math.max(used - seen[2], -(seen[3] or 0))
    call('HDEL', key, id)
  elseif window == '' then
    by = used
  elseif seen[1] ~= window then
    by = math.max(used - reserved, 0)
  end
  if by ~= 0 then
    call('HINCRBY', key, 'count', string.format('%d', by))
    -- Not the id alone: that may be the name of the window before.
    if not seen[1] then call('HSET', key, 'window', id .. '+') end
    if call('PTTL', key) < 0 then call('PEXPIRE', key, length) end
  end
  answer[i] = by
end
return answer
