-- Counts what was used in the place of what was reserved, once.
--
-- KEYS: 1 mark of the settlement; then the counters of the reservation, all of one subject, as
--   limit-reserve.lua describes them
-- ARGV: 1 id of the reservation, 2 used, 3 reserved, 4 milliseconds the mark lives; then for each counter
--   the name of the reservation's window ('' when nobody knows whether it was counted) and the length
--   of a window in milliseconds
-- Returns: {0} when it was settled before, else {1, for each counter what was added to it}
--
-- A reservation is open in the window it was counted in and in no other: that is what says which window
-- runs, and that it was not settled. The mark says so to those who come in a later window.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local id, used = ARGV[1], ARGV[2] + 0
-- Changes nothing; it passes on a full Redis, and with it what follows.
if KEYS[2] then call('HDEL', KEYS[2], '~') end
if not call('SET', KEYS[1], '', 'PX', ARGV[4], 'NX') then return {0} end
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
    by = math.max(used - ARGV[3], 0)
  end
  if by ~= 0 then
    call('HINCRBY', key, 'count', string.format('%.0f', by))
    -- Not the id alone: that may be the name of the window before.
    if not seen[1] then call('HSET', key, 'window', id .. '+') end
    if call('PTTL', key) < 0 then call('PEXPIRE', key, length) end
  end
  answer[i] = by
end
return answer
