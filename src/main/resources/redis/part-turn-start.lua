-- Part of what starts a turn: adds its input and gives it the session's lease, in one version.
-- Expects what part-session and part-turn-write leave.
local function start(lease, count, message, head)
  local version, stamp, ends = format('%d', v + 1), format('%d', now), now + lease
  local ids, sizes, said = say(version, stamp, count, message)
  e = now + l * 1000
  if e < least then e = least end
  if e < ends + 10000 then e = ends + 10000 end
  call('HSET', KEYS[1], 'T', format('%s 1 %d - 0 %s %s %d %d ', ARGV[7], ends, ARGV[1], version, count, ends))
  tail = string.gsub(tail, '^( %d+ %a)', '%1+')
  due(ends)
  local state = tell(version, stamp, head, count, sizes, said)
  call('HSET', KEYS[6], 'w', state, 'z', stamp, 'v', version .. '-' .. ARGV[1] .. ids)
  return version, state
end

-- The id of a message that is taken in the thread, or nil.
local function taken(count, message)
  for i = 1, count do
    local id = message(i)
    local at = id ~= '' and call('HGET', KEYS[4], id)
    if at and #call('XRANGE', KEYS[3], at, at) > 0 then return id end
  end
end
