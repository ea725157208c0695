-- Part of what writes a turn's record: a call that is sent again, because it was not answered, has the
-- tag that it had. What it did is answered as it was, and not taken for another's.
local mine = redis.call('HGET', KEYS[6], 'w')
if mine and string.sub(mine, 1, 8) == ARGV[1] then
  local running = redis.call('HGET', KEYS[1], 'T')
  return {mine, running and string.match(running, '^%S+') or ''}
end
