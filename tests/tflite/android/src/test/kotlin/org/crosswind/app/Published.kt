package org.crosswind.app

import java.io.File
import java.nio.ByteBuffer
import org.crosswind.app.model.ModelCard
import org.crosswind.app.model.Predictor
import org.crosswind.app.model.cardInside
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assume.assumeTrue

/** The published model, and rows with the scores that Python got for them: what check.py leaves in target/. */
object Published {
    val model: ByteArray = File("target/assets/model.tflite").readBytes()
    val manifest: String = File("target/assets/manifest.json").readText()
    val sha256: String = JSONObject(manifest).getJSONObject("files").getString("model.tflite")
    val cardJson: String get() = cardInside(direct(model))
    val card: ModelCard get() = ModelCard.parse(cardJson)
    private val rows = JSONObject(File("target/rows.json").readText())

    /** Skips a test that names columns of the flights, where another problem's model was published. */
    fun assumeFlights() = assumeTrue("a test of the flights", card.model == "flight_delay")

    fun direct(bytes: ByteArray): ByteBuffer = ByteBuffer.allocateDirect(bytes.size).put(bytes).apply { flip() }

    fun predictor(card: ModelCard = this.card): Predictor = Predictor(direct(model), sha256, card)

    /** Rows, and Python's answer for each. */
    fun rows(name: String): List<Pair<Map<String, Any?>, List<Float>>> =
        rows.getJSONArray(name).objects().map { row(it.getJSONObject("row")) to numbers(it.getJSONArray("score")) }

    private fun numbers(array: JSONArray): List<Float> = List(array.length()) { array.getDouble(it).toFloat() }

    fun JSONArray.objects(): List<JSONObject> = List(length(), ::getJSONObject)

    private fun row(row: JSONObject): Map<String, Any?> =
        row.keys().asSequence().associateWith { name -> if (row.isNull(name)) null else row.get(name) }
}
