package org.crosswind.app

import java.io.RandomAccessFile
import java.nio.channels.FileChannel
import java.security.MessageDigest
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlin.math.abs
import org.crosswind.app.model.CorruptModel
import org.crosswind.app.model.Dtype
import org.crosswind.app.model.ModelCard
import org.crosswind.app.model.Predictor
import org.crosswind.app.model.Task
import org.json.JSONObject
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

private const val TOLERANCE = 1e-5f
private const val MEASURED = "measured: " // check.py repeats these lines

/** The very class that ships, with the published model, through TensorFlow Lite's own native library. */
class PredictorTest {
    private fun assertPythonsScores(rows: List<Pair<Map<String, Any?>, List<Float>>>, what: String) {
        val unit = rows.flatMap { it.second }.maxOf(::abs).coerceAtLeast(Published.card.unit)
        val differences = Published.predictor().use { predictor ->
            rows.map { (row, score) -> largest(score, predictor.predict(row)) / unit }
        }
        println("$MEASURED$what: ${rows.size} rows, largest difference to Python %.1e".format(differences.max()))
        assertTrue("largest difference ${differences.max()}", differences.all { it <= TOLERANCE })
    }

    private fun largest(expected: List<Float>, actual: FloatArray): Float {
        assertEquals(expected.size, actual.size)
        return expected.zip(actual.asIterable()) { one, other -> abs(one - other) }.max()
    }

    @Test
    fun `golden rows get the scores in the card`() {
        val results = Published.predictor().use { it.checkGolden() }
        val largest = results.maxOf { it.difference }
        println("${MEASURED}golden: ${results.size} rows, largest difference to the card %.1e".format(largest))
        assertTrue(results.size >= 20 && results.all { it.passed })
        assertEquals((1..results.size).toList(), results.map { it.number })
    }

    @Test
    fun `evaluation rows get Python's scores, which differ from each other`() {
        val rows = Published.rows("evaluation")
        assertTrue("${rows.size} rows", rows.size >= 200)
        assertTrue(rows.map { it.second }.distinct().size > rows.size * 0.8)
        assertPythonsScores(rows, "evaluation")
    }

    @Test
    fun `texts that training never saw, ends of ranges and missing values get Python's scores`() =
        assertPythonsScores(Published.rows("odd"), "odd")

    @Test
    fun `a missing text gets the score that Python has for an empty one`() {
        for ((row, score) in Published.rows("no_text")) {
            val name = row.keys.first { row[it] == null && Published.card.golden.first().row[it] != null }
            val features = Published.card.features.map { if (it.name == name) it.copy(optional = true) else it }
            val card = Published.card.copy(features = features)
            Published.predictor(card).use { assertTrue(largest(score, it.predict(row)) / card.unit <= TOLERANCE) }
        }
    }

    @Test
    fun `a category counts, so that texts do reach the model`() {
        val row = Published.card.golden.first().row
        val text = Published.card.features.firstOrNull { it.dtype == Dtype.STRING }
        assumeTrue("the model takes no text", text != null)
        Published.predictor().use { predictor ->
            val other = predictor.predict(row + (text!!.name to "XX"))
            assertTrue(largest(predictor.predict(row).asList(), other) > 1e-4)
        }
    }

    @Test
    fun `any kind of number will do`() {
        val row = Published.card.golden.first().row
        val doubles = row.mapValues { (_, value) -> (value as? Number)?.toDouble() ?: value }
        val integers = Published.card.features.filter { it.dtype == Dtype.INT64 }.map { it.name }
        val other = doubles + integers.associateWith { (row[it] as Number).toShort() }
        Published.predictor().use { assertArrayEquals(it.predict(row), it.predict(other), 0f) }
    }

    @Test
    fun `a mapped file opens, with the card that is inside it`() {
        val mapped = RandomAccessFile("target/assets/model.tflite", "r").use { file ->
            file.channel.map(FileChannel.MapMode.READ_ONLY, 0, file.length())
        }
        Predictor.open(mapped, Published.manifest).use { predictor ->
            assertEquals(Published.card, predictor.card)
            assertTrue(predictor.checkGolden().all { it.passed })
        }
    }

    @Test
    fun `one changed byte is found before TensorFlow Lite sees it`() {
        for (position in listOf(8, Published.model.size / 2, Published.model.size - 30)) {
            val damaged = Published.model.copyOf().also { it[position] = (it[position] + 1).toByte() }
            val error = assertThrows(CorruptModel::class.java) {
                Predictor(Published.direct(damaged), Published.sha256, Published.card)
            }
            assertTrue(error.message!!, error.message!!.contains("its manifest expects ${Published.sha256}"))
        }
    }

    @Test
    fun `a manifest that is none, or is silent about the model, is refused`() {
        for (manifest in listOf("", "[]", "{}", """{"files": {}}""", """{"files": {"model.tflite": 1}}""")) {
            assertThrows(manifest, CorruptModel::class.java) {
                Predictor.open(Published.direct(Published.model), manifest).close()
            }
        }
    }

    @Test
    fun `another model's manifest is refused`() {
        val other = JSONObject(Published.manifest).apply { getJSONObject("files").put("model.tflite", "0".repeat(64)) }
        assertThrows(CorruptModel::class.java) { Predictor.open(Published.direct(Published.model), other.toString()).close() }
    }

    @Test
    fun `a file without a model, or without a card inside, is refused`() {
        val noModel = "no model".repeat(10).toByteArray()
        assertThrows(CorruptModel::class.java) { Predictor(Published.direct(noModel), sha256(noModel), Published.card) }
        val cut = Published.model.copyOf(Published.model.size / 2)
        assertThrows(CorruptModel::class.java) { Predictor.open(Published.direct(cut), manifest(cut)) }
        assertThrows(CorruptModel::class.java) { Predictor.open(Published.direct(ByteArray(0)), manifest(ByteArray(0))) }
    }

    @Test
    fun `a card that is not the model's is refused, with what either says`() {
        val card = Published.card
        for (other in listOf(
            card.copy(features = card.features.drop(1)),
            card.copy(features = card.features + card.features.first().copy(name = "mood")),
            card.copy(signature = "classify"),
            card.copy(output = "logit"),
            card.copy(task = Task.Multiclass(List(9) { "class $it" })),
        )) {
            val error = assertThrows(CorruptModel::class.java) { Published.predictor(other) }
            assertTrue(error.message!!, error.message!!.contains("card"))
        }
    }

    @Test
    fun `a card of another schema is refused`() {
        for (change in listOf("schema_version" to 3, "features" to "none", "task" to "ranking")) {
            val json = JSONObject(Published.cardJson).put(change.first, change.second).toString()
            assertThrows(change.first, CorruptModel::class.java) { ModelCard.parse(json) }
        }
    }

    @Test
    fun `threads that share a predictor get the scores that one gets`() {
        val rows = Published.rows("evaluation")
        val threads = Executors.newFixedThreadPool(8)
        try {
            Published.predictor().use { predictor ->
                val alone = rows.map { predictor.predict(it.first).asList() }
                val calls = List(8) { Callable { rows.map { predictor.predict(it.first).asList() } } }
                threads.invokeAll(calls).forEach { assertEquals(alone, it.get()) }
            }
        } finally {
            threads.shutdownNow()
        }
    }

    @Test
    fun `closed while others predict, it answers or says that it is closed, and does not crash`() {
        val row = Published.card.golden.first().row
        val threads = Executors.newFixedThreadPool(4)
        try {
            repeat(20) {
                val predictor = Published.predictor()
                val calls = List(3) { threads.submit(Callable { repeat(200) { predictor.predict(row) } }) }
                predictor.close()
                predictor.close()
                for (call in calls) {
                    val error = runCatching { call.get() }.exceptionOrNull()?.cause
                    assertTrue("$error", error == null || error is IllegalStateException)
                }
                assertThrows(IllegalStateException::class.java) { predictor.predict(row) }
            }
        } finally {
            threads.shutdownNow()
        }
    }

    @Test
    fun `latency is that of the calls asked for`() {
        val latency = Published.predictor().use { it.latency(100) }
        println("${MEASURED}latency of ${latency.calls} calls: p50 %.3f ms, p99 %.3f ms".format(latency.p50, latency.p99))
        assertEquals(100, latency.calls)
        assertTrue(latency.p50 > 0 && latency.p99 >= latency.p50)
        Published.predictor().use { predictor -> assertThrows(IllegalArgumentException::class.java) { predictor.latency(0) } }
    }

    private fun sha256(bytes: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

    private fun manifest(bytes: ByteArray): String = """{"files": {"model.tflite": "${sha256(bytes)}"}}"""
}
