package org.crosswind.app.model

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.security.MessageDigest
import kotlin.math.abs
import org.json.JSONException
import org.json.JSONObject
import org.tensorflow.lite.Interpreter

/** The answer to golden row [number], counted from 1, beside the one in the card; differences are stated in [unit]. */
data class GoldenResult(val number: Int, val expected: List<Float>, val actual: List<Float>, val unit: Float) {
    /** Of several numbers the largest. */
    val difference: Float get() = expected.zip(actual) { one, other -> abs(one - other) / unit }.max()

    /** The tolerance covers the kernels' rounding, which differs between processors. */
    val passed: Boolean get() = difference <= TOLERANCE

    private companion object {
        const val TOLERANCE = 1e-5f
    }
}

/** How long one prediction takes, in milliseconds: the median and the 99th percentile of [calls]. */
data class Latency(val calls: Int, val p50: Double, val p99: Double)

/**
 * Scores raw rows with the published file. The one class that owns the interpreter; it has no Android imports.
 *
 * Safe to call from several threads: one call runs at a time. Close it to free the native memory.
 *
 * @param model the whole file, its appended card included, in a direct or mapped buffer.
 * @param sha256 what the file must hash to, as 64 hexadecimal digits.
 * @param card what the file takes and gives.
 * @throws CorruptModel if the file hashes to something else or its signature is not the card's.
 */
class Predictor(model: ByteBuffer, sha256: String, val card: ModelCard) : Closeable {
    private val interpreter: Interpreter

    init {
        val actual = hash(model)
        if (actual != sha256) {
            throw CorruptModel("model.tflite hashes to $actual; its manifest expects $sha256. Install it again.")
        }
        interpreter = try {
            Interpreter(model, Interpreter.Options().setNumThreads(1)) // so small a model is slower on more threads
        } catch (error: IllegalArgumentException) {
            throw CorruptModel("TFLite cannot load model.tflite: ${error.message}", error)
        }
        try {
            checkSignature()
        } catch (error: CorruptModel) {
            interpreter.close()
            throw error
        }
    }

    private fun checkSignature() {
        val (inputs, outputs) = try {
            with(interpreter) { getSignatureInputs(card.signature).toSet() to getSignatureOutputs(card.signature).toSet() }
        } catch (error: IllegalArgumentException) {
            throw CorruptModel("model.tflite has no signature ${card.signature}, which its card names.", error)
        }
        val features = card.features.map { it.name }.toSet()
        if (inputs != features || card.output !in outputs) {
            throw CorruptModel(
                "model.tflite takes ${inputs.sorted()} and gives ${outputs.sorted()}; " +
                    "its card says ${features.sorted()} and ${card.output}. Install a version whose card fits.",
            )
        }
        val values = interpreter.getOutputTensorFromSignature(card.output, card.signature).numElements()
        if (values != card.task.values) {
            throw CorruptModel("model.tflite answers with $values numbers; its card says ${card.task.values}.")
        }
        for (feature in card.features) {
            val type = interpreter.getInputTensorFromSignature(feature.name, card.signature).dataType().name
            if (type != feature.dtype.name) {
                throw CorruptModel("model.tflite takes ${feature.name} as $type; its card says ${feature.dtype}.")
            }
        }
    }

    /**
     * The answer for one row: as many numbers as the card's task has.
     *
     * @param row raw value by feature: a String, or a Number; null, or no entry, where an optional one is missing.
     * @throws BadInput naming the field that has an unknown name, a wrong type or no value.
     * @throws IllegalStateException after [close].
     */
    @Synchronized
    fun predict(row: Map<String, Any?>): FloatArray {
        val answer = FloatArray(card.task.values)
        interpreter.runSignature(encode(row, card), mapOf(card.output to FloatBuffer.wrap(answer)), card.signature)
        return answer
    }

    /** Scores the card's golden rows. */
    fun checkGolden(): List<GoldenResult> = card.golden.mapIndexed { index, golden ->
        GoldenResult(index + 1, golden.score, predict(golden.row).asList(), card.unit)
    }

    /** Times [calls] predictions of the first golden row, after one that is not counted. */
    fun latency(calls: Int): Latency {
        require(calls > 0) { "calls is $calls; expected 1 or more." }
        val row = card.golden.first().row
        predict(row)
        val milliseconds = DoubleArray(calls) {
            val start = System.nanoTime()
            predict(row)
            (System.nanoTime() - start) / 1e6
        }
        milliseconds.sort()
        return Latency(calls, milliseconds[(calls - 1) / 2], milliseconds[(calls - 1) * 99 / 100])
    }

    @Synchronized
    override fun close() = interpreter.close()

    companion object {
        /**
         * The published file with the card inside it.
         *
         * @param model as in the constructor.
         * @param manifest the content of the manifest.json published beside the file.
         * @throws CorruptModel if they do not belong together or either is damaged.
         */
        fun open(model: ByteBuffer, manifest: String): Predictor {
            val sha256 = try {
                JSONObject(manifest).getJSONObject("files").getString("model.tflite")
            } catch (error: JSONException) {
                throw CorruptModel("manifest.json does not say what model.tflite must hash to: ${error.message}", error)
            }
            return Predictor(model, sha256, ModelCard.parse(cardInside(model)))
        }

        private fun hash(file: ByteBuffer): String {
            val digest = MessageDigest.getInstance("SHA-256").apply { update(file.duplicate()) }.digest()
            return digest.joinToString("") { "%02x".format(it) }
        }
    }
}
