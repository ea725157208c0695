-- Part of turn-begin: the same turn is not begun again, whatever became of it, or its session since.
local known = call('HMGET', KEYS[6], 'f', 'u')
if known[1] then
  local ends, made, user = string.match(call('HGET', KEYS[1], 'p') or '', '^%S+ %d+ %d+ %d+ %d+ (%d+) %d+ %d+ %S+ %d+ (%d+) (.*)$')
  local asked = string.match(ARGV[2], '^[^\n]*\n[^\n]*\n(.+)$')
  if made == known[2] and now < ends + 0 and (not asked or asked == user) then
    return {2, known[1] .. ' ' .. ARGV[7]}
  end
end
