-- Part of every write to a session that is there: is it there and the owner's, who holds it, where is
-- it. Leaves t, v, q, c, b, e: tag, version, last seq, messages, bytes, expiresAt; tail: the state from
-- the TTL on, with a space before it; of it l, w and k: TTL, status with the holder, and when the keys
-- end; turn: the running turn or nil; least: what expiresAt must be at least, because a client's lock or a turn keeps its
-- session.
local p = call('HGET', KEYS[1], 'p')
local lock, match, owner = '', '', ''
if ARGV[2] ~= '' then lock, match, owner = string.match(ARGV[2], '^([^\n]*)\n([^\n]*)\n(.*)$') end
if not p then
  local gone = call('HMGET', KEYS[1], 'g', 'u')
  if not gone[1] or (owner ~= '' and owner ~= gone[2]) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone[1]}
end
local t, v, q, c, b, e, tail, l, w, k = string.match(p, '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) %d+( (%d+) (%S+) (%d+).*)$')
if owner ~= '' and owner ~= string.match(tail, '^ %d+ %S+ %d+ %d+ (.*)$') then return {0, 'session-not-found'} end
if now >= e + 0 then return {0, 'session-expired'} end
local least, turn = 0, nil
local status, ends, token = w, nil, nil
if #w > 1 then
  local holder
  status, holder = string.match(w, '^(%a%+?)(.*)$')
  ends, token = string.match(holder, '^/(%d+)/(.*)$')
  local T = #status > 1 and call('HGET', KEYS[1], 'T')
  if T then
    local lease
    turn, lease = string.match(T, '^(%S+) %d+ (%d+)')
    least = lease + 10000
  end
end
if token then
  if now >= ends + 0 then
    -- For ever: a holder that was paused must not come back when somebody's clock jumps.
    local rest = ' ' .. l .. ' ' .. status .. string.match(tail, '^ %d+ %S+( .*)$')
    call('HSET', KEYS[1], 'p', string.sub(p, 1, -1 - #tail) .. rest)
    call('HDEL', KEYS[1], 'o', 'y')
    tail, w = rest, status
    if lock ~= '' then return {0, 'stale-fence'} end
  elseif lock == '' then
    return {0, 'session-locked', ends, now}
  elseif lock ~= token then
    return {0, 'stale-fence'}
  elseif ends + 10000 > least and call('HGET', KEYS[1], 'o') == 'c' then
    least = ends + 10000
  end
elseif lock ~= '' then
  return {0, 'stale-fence'}
end
if match ~= '' and (string.byte(match) == 33) == (string.find(match, ' ' .. v .. '-' .. t .. ' ', 1, true) ~= nil) then
  return {0, 'version-conflict', v .. '-' .. t}
end
