-- Carry out moves that were decided outside, each only if nothing has changed since its message was looked at.
-- Parameters: KEYS[1] the namespace; ARGV now, "all" (all of them or none) or "each", the moves (msgpack list of
--   commit.Move), then the follow-ups of all moves as parts/put.lua wants them
-- Result: for each 1 (done) or 0 (the message has changed: look again); with "all" one 0 means that none was done
-- State: whatever the moves say
-- Safe: a script runs alone. A record is the whole state of its message and never the same twice (fences grow), so
--   an equal digest means that nothing has happened; sent twice, the second finds other records
local K, now, together, moves = KEYS[1], ARGV[1], ARGV[2] == 'all', cmsgpack.unpack(ARGV[3])
--#include calls lines put
local function holds(move)
  local message = redis.call('HEXISTS', K .. 'msg', move.id) == 1
  if move.creates and not message then return true end
  local record = redis.call('HGET', K .. 'rec', move.id)
  if not message or (record and redis.sha1hex(record) or '') ~= move.guard then return false end
  return not move.leave or not not redis.call('ZSCORE', line_key(move.leave[1], move.leave[2]), move.leave[3])
end

local function count(state, by)
  if state ~= 'PENDING' then tally(K .. 'n', state, by) end  -- PENDING is what no other state counts
end

local function carry_out(move)
  local id = move.id
  if move.record then redis.call('HSET', K .. 'rec', id, move.record) end
  if move.message then redis.call('HSET', K .. 'msg', id, move.message) end
  if move.leave then leave_line(move.leave[1], move.leave[2], {move.leave[3]}) end
  if move.unexpire then redis.call('ZREM', K .. 'exp', id) end
  if move.from then count(move.from, -1) end
  if move.to then count(move.to, 1) end
  if move.owner then
    redis.call('SREM', K .. 'own:' .. move.owner, id)
    redis.call('SREM', K .. 'term:' .. move.owner, id)
    if move.queue then tally(K .. 'h', move.queue, -1) end
    if redis.call('EXISTS', K .. 'own:' .. move.owner) == 0 then redis.call('SREM', K .. 'owing', move.owner) end
  end
  if move.terminate then redis.call('SADD', K .. 'term:' .. move.terminate, id) end
  if move.age then redis.call('ZADD', K .. 'age', move.age, id) end
  for _, name in ipairs(move.index or {}) do redis.call('ZADD', K .. 'i:' .. name, move.created, id) end
  for _, name in ipairs(move.unindex or {}) do redis.call('ZREM', K .. 'i:' .. name, id) end
  if move.forget then
    redis.call('HDEL', K .. 'rec', id)
    redis.call('HDEL', K .. 'msg', id)
    redis.call('ZREM', K .. 'age', id)
  end
  if move.forget or move.until_key then
    for _, key in ipairs({'end', 'endk'}) do redis.call('ZREM', K .. key, '-' .. id, '+' .. id) end
  end
  if move.until_key then redis.call('ZADD', K .. move.until_key, move.until_at, move.mark .. id) end
  if move.expire then redis.call('ZADD', K .. 'exp', move.expire, id) end
  if move.join then
    local queue, slot, due, member, task = unpack(move.join)
    line_up(queue, slot, {due, member})
    if tonumber(due) <= tonumber(now) then wake(queue, task, 1) end
  end
end

local told, all_hold = {}, true
for i, move in ipairs(moves) do
  if together then
    told[i] = holds(move) and 1 or 0
    all_hold = all_hold and told[i] == 1
  end
end
if not all_hold then return told end
if not (moves[1] and moves[1].creates) then begin_without_memory() end  -- to record another store's run is as a put
local follow_up, ended = 4, false
for i, move in ipairs(moves) do
  local number = move.puts or 0
  if together or holds(move) then
    told[i] = 1
    carry_out(move)
    ended = ended or move.until_key ~= nil
    if number > 0 then put(follow_up, number, now) end
  else
    told[i] = 0
  end
  follow_up = follow_up + number * STRIDE
end
if ended then redis.call('PUBLISH', K .. 't:results', '1') end
return told
