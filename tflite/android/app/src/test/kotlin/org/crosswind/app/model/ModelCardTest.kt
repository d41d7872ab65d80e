package org.crosswind.app.model

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class ModelCardTest {
    @Test
    fun `a card says what the model takes and gives`() {
        val card = ModelCard.parse(CARD)
        assertEquals("broken_parcel", card.model)
        assertEquals(7, card.version)
        assertEquals(listOf("2013-01", "2013-02"), card.window)
        assertEquals(Task.Binary(0.5f, 0.24f), card.task)
        assertEquals(listOf(0.1f), card.golden.first().score)
        assertEquals("Will my parcel break?" to "breaking on its way", card.words.title to card.words.event)
        val (share, depot) = listOf("broken_share", "depot").map { name -> card.features.single { it.name == name } }
        val unit = "of the depot's parcels"
        val plain = Feature(
            "broken_share", Kind.SHARE, Dtype.FLOAT32, unit, true, emptyList(), 0.0, 1.0, null,
            label = "broken_share", widget = Widget.PERCENT, valueWords = emptyMap(), places = emptyMap(), between = null,
        )
        assertEquals(plain, share)
        assertEquals("From" to listOf("A", "B"), depot.label to depot.values)
        assertEquals(mapOf("A" to "Paris, south", "B" to "Berlin"), depot.valueWords)
        assertEquals(Place(52.52, 13.405), depot.places["B"])
        assertEquals("depot" to "town", card.features.single { it.name == "way" }.between)
        assertEquals(7.5, card.features.single { it.name == "boxes" }.typical)
    }

    @Test
    fun `a card of an older pipeline has neutral words and fields by kind`() {
        val json = JSONObject(CARD).apply { remove("words") }
        val features = json.getJSONArray("features")
        for (index in 0 until features.length()) {
            listOf("words", "form", "value_words", "places", "between").forEach(features.getJSONObject(index)::remove)
        }
        val card = ModelCard.parse(json.toString())
        assertEquals(Words(), card.words)
        assertEquals("Prediction", card.words.title)
        assertEquals(card.features.map { it.name }, card.features.map { it.label })
        val widgets = mapOf("depot" to Widget.CHOICE, "remark" to Widget.TEXT, "start" to Widget.NUMBER, "way" to Widget.NUMBER)
        assertEquals(widgets, card.features.associate { it.name to it.widget }.filterKeys { it in widgets })
    }

    @Test
    fun `of several classes a golden row has an answer each`() {
        val (first, second) = JSONArray(listOf(0.5, 0.25, 0.25)) to JSONArray(listOf(0, 1, 0))
        val card = ModelCard.parse(cardOfTask("multiclass", listOf("a", "b", "c"), first, second).toString())
        assertEquals(Task.Multiclass(listOf("a", "b", "c")), card.task)
        assertEquals(listOf(listOf(0.5f, 0.25f, 0.25f), listOf(0f, 1f, 0f)), card.golden.map { it.score })
        assertEquals(1f, card.unit)
    }

    @Test
    fun `a number has neither threshold nor classes, and differences in shares of the largest`() {
        val card = ModelCard.parse(cardOfTask("regression", emptyList(), -250.5, 100).toString())
        assertEquals(Task.Regression(null), card.task)
        assertEquals(250.5f, card.unit)
        assertEquals(1f, ModelCard.parse(cardOfTask("regression", emptyList(), 0, 0).toString()).unit)
        val interval = JSONObject("""{"share": 0.9, "low": -2.5, "high": 4}""")
        val stated = cardOfTask("regression", emptyList(), 0, 0).put("interval", interval).toString()
        assertEquals(Task.Regression(Interval(0.9f, -2.5f, 4f)), ModelCard.parse(stated).task)
    }

    @Test
    fun `a missing value of a golden row is null`() {
        val row = ModelCard.parse(CARD).golden.first().row
        assertTrue("remark" in row)
        assertEquals(null, row["remark"])
        assertEquals("A", row["depot"])
    }

    @Test
    fun `a card that is not as expected is refused with what is wrong`() {
        refused("not as expected", "no card")
        refused("version", CARD.replace("\"version\": 7, ", ""))
        refused("base_rate", CARD.replace(", \"base_rate\": 0.24", ""))
        refused("SHAPE", CARD.replace("\"share\"", "\"shape\""))
        refused("FLOAT64", CARD.replace("\"float32\"", "\"float64\""))
        refused("WHEEL", CARD.replace("\"weekday\"", "\"wheel\""))
        refused("way is a distance in \"ells\"", CARD.replace("\"km\"", "\"ells\""))
        refused("2 is not a String", CARD.replace("[\"A\", \"B\"]", "[\"A\", 2]"))
        refused("no golden rows", CARD.substringBefore("\"golden\": [") + "\"golden\": []}")
        refused("schema version 3; this app knows 1 and 2", CARD.replace("\"schema_version\": 1", "\"schema_version\": 3"))
        refused("the task ranking", cardOfTask("ranking", emptyList()).toString())
        refused("golden rows without an answer of 2", cardOfTask("multiclass", listOf("a", "b")).toString())
    }

    private fun refused(why: String, card: String) {
        val message = assertThrows(CorruptModel::class.java) { ModelCard.parse(card) }.message.orEmpty()
        assertTrue(message, why in message)
    }

    @Test
    fun `the card inside a file is the one entry of its zip`() {
        assertEquals(CARD, cardInside(ByteBuffer.wrap(zip(CARD))))
    }

    @Test
    fun `a file without a card, or with a damaged one, is refused`() {
        val zip = zip(CARD)
        val outside = zip.copyOf().also { bytes -> (3..6).forEach { bytes[bytes.size - it] = 0x7f } } // the directory's place
        val flipped = zip.copyOf().also { it[60] = (it[60] + 1).toByte() }
        val cut = listOf(ByteArray(0), zip.copyOf(zip.size - 1), zip.copyOfRange(40, zip.size))
        for (file in cut + listOf(ByteArray(1000), outside, flipped)) {
            assertThrows(CorruptModel::class.java) { cardInside(ByteBuffer.wrap(file)) }
        }
    }

    private fun zip(content: String): ByteArray = ByteArrayOutputStream().also { bytes ->
        ZipOutputStream(bytes).use { zip ->
            zip.putNextEntry(ZipEntry("model_card.json"))
            zip.write(content.toByteArray())
        }
    }.toByteArray()
}
