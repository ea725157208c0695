-- Part of every lock script: the session is there, the owner's and alive.
-- Leaves ends and token of whoever holds it, or token nil; s: 3 kind of the holder, 4 fence, 5 label;
-- hold(): writes another holder, and makes the session live longer than its lock; over: whether there
-- is a holder whose time is over; clear(): removes it for ever, whoever's clock jumps.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
local s = redis.call('HMGET', KEYS[1], 'p', 'g', 'o', 'f', 'y', 'u')
if not s[1] then
  if not s[2] or (ARGV[1] ~= '' and ARGV[1] ~= s[6]) then return {0, 'session-not-found'} end
  return {0, 'session-' .. s[2]}
end
local head, e, middle, status, holder, rest, owner = string.match(s[1], '^(%S+ %d+ %d+ %d+ %d+ )(%d+)( %d+ %d+ )(%a%+?)(%S*)( %d+ %d+ (.*))$')
if ARGV[1] ~= '' and ARGV[1] ~= owner then return {0, 'session-not-found'} end
if now >= e + 0 then return {0, 'session-expired'} end
-- #include part-keep
local function hold(ends, token)
  local held = token and '/' .. string.format('%d', ends) .. '/' .. token or ''
  if token and ends + 10000 > e + 0 then e = string.format('%d', ends + 10000) end
  local state = head .. e .. middle .. status .. held .. rest
  redis.call('HSET', KEYS[1], 'p', state)
  if token then lasting(state) end
end
local ends, token = string.match(holder, '^/(%d+)/(.*)$')
local over = token and now >= ends + 0
if over then token = nil end
local function clear()
  if over then
    -- In this order it passes on a full Redis.
    redis.call('HDEL', KEYS[1], 'o', 'y')
    hold()
  end
end
