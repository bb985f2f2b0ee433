-- A line holds the waiting messages of one queue, priority and task; `slot` is "priority:task". The length in front
-- of the queue's name keeps any two names apart. Scores are due instants, members are turn (14 digits), flags (one
-- digit: 1 expires, 2 indexed, 4 crashed) and id, so equal scores sort by turn.
local function line_key(queue, slot)
  return K .. 'l:' .. #queue .. ':' .. queue .. ':' .. slot
end

local function ear_key(queue, digest)
  return K .. 'ear:' .. #queue .. ':' .. queue .. ':' .. digest
end

local function line_up(queue, slot, places)
  chunked('ZADD', line_key(queue, slot), places)
  if redis.call('SADD', K .. 'q:' .. queue, slot) == 1 then redis.call('SADD', K .. 'queues', queue) end
end

local function leave_line(queue, slot, members)
  local key = line_key(queue, slot)
  chunked('ZREM', key, members)
  if redis.call('EXISTS', key) == 0 and redis.call('SREM', K .. 'q:' .. queue, slot) == 1
    and redis.call('EXISTS', K .. 'q:' .. queue) == 0 then redis.call('SREM', K .. 'queues', queue) end
end

-- Leave an ear to be woken at. After a while the set goes away, with what dead processes have left in it; the living leave
-- theirs anew at their next idle look.
local EARS_KEPT = 600  -- seconds
local function leave_ear(queue, digest, ear)
  local key = ear_key(queue, digest)
  if redis.call('SADD', key, ear) == 1 then
    if redis.call('SCARD', key) == 1 then redis.call('EXPIRE', key, EARS_KEPT) end
    redis.call('SADD', K .. 'ears:' .. queue, digest)
  end
end

-- Wake as many idle children as there are new due messages, and only such as know the task. An ear was left by a claim
-- that found nothing; one that nobody listens at any more is passed over.
local function wake(queue, task, count)
  for _, digest in ipairs(redis.call('SMEMBERS', K .. 'ears:' .. queue)) do
    local key = ear_key(queue, digest)
    local knows = digest == '*' or redis.call('SISMEMBER', K .. 'known:' .. digest, task) == 1
    while knows and count > 0 do
      local ear = redis.call('SPOP', key)
      if not ear then break end
      if redis.call('PUBLISH', ear, '1') > 0 then count = count - 1 end
    end
    if redis.call('EXISTS', key) == 0 then redis.call('SREM', K .. 'ears:' .. queue, digest) end
  end
end
