-- Runs a reading script whose keys are on two nodes of a Cluster, because their slot moves: on the node of its first key, with what was read
-- of the others before. It is run again until all that it asks for was read.
-- KEYS: first (of the script)
-- ARGV: argument* (of the script), key* (its other keys), given (what was read of those so far: packed; by the number of the key, the command
--   and its arguments, with a 0 byte in between), others (how many of them there are)
-- Returns: {state, {}, answer} | {state, {number of a key, command, argument, …}} what to read next; the state as lib/parse, or ''
-- Reads: redis, KEYS, ARGV
-- Leaves: first, given, others, own, number, wanted, KEYS, ARGV, ran, answer
-- Defines: ask, script
local first, given, others = KEYS[1], cmsgpack.unpack(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local own, number, wanted = ARGV, {}, nil
local KEYS, ARGV = {first}, {}
for i = 1, #own - 2 - others do ARGV[i] = own[i] end
for i = 1, others do
  KEYS[i + 1] = own[#own - 2 - others + i]
  number[KEYS[i + 1]] = i + 1
end
local function ask(name, key, ...)
  if not key then return redis.call(name) end
  local at = number[key]
  if not at then return redis.call(name, key, ...) end
  local words = {at, name, ...}
  local known = given[table.concat(words, '\0')]
  if known ~= nil then return known end
  wanted = words
  error('not read yet')
end
local function script()
-- #script
end
local ran, answer = pcall(script)
if wanted then return {redis.call('HGET', first, 'p') or '', wanted} end
if not ran then error(answer) end
return {redis.call('HGET', first, 'p') or '', {}, answer}
